import type { Command } from 'commander'
import type { RevertOptions } from '../commands/revert.ts'
import type { ShowOptions, VersionsOptions } from '../commands/versions.ts'
import { addCommand, collect, settingsOf, withWrite } from '../options.ts'

export function addVersions(program: Command): void {
  const versions = addCommand(program, 'versions', {
    does: 'the newest versions of an environment',
    examples: ['halyard versions --env production', 'halyard versions show 1.42'],
  })
    .option('--limit <number>', 'how many; 20 if left out')
    .action(async (options: VersionsOptions, command: Command) => {
      const { listVersions } = await import('../commands/versions.ts')
      await listVersions(options, settingsOf(command))
    })
  addCommand(versions, 'show <version>', {
    does: 'what a version changed, and what became of it',
    examples: ['halyard versions show 1.42 --env production', 'halyard versions show 1.42 --compare 1.30'],
  })
    .option('--compare <version>', 'compare with this version; with the one before if left out')
    .action(async (version: string, options: ShowOptions, command: Command) => {
      const { showVersion } = await import('../commands/versions.ts')
      await showVersion(version, options, settingsOf(command))
    })
  const revert = addCommand(program, 'revert <version>', {
    does: 'make the states of flags and segments what they were at a version',
    examples: [
      'halyard revert 1.41 --env production --comment "incident 7"',
      'halyard revert 1.41 --flag new-checkout',
    ],
  })
    .option('--flag <key>', 'this flag alone, once for each', collect)
    .option('--segment <key>', 'this segment alone, once for each', collect)
  withWrite(revert).action(async (version: string, options: RevertOptions, command: Command) => {
    const { revert } = await import('../commands/revert.ts')
    await revert(version, options, settingsOf(command))
  })
}
