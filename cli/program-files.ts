/** The commands that read and write files of flags: flags as code, promotion, code generation, importers. */
import { Option, type Command } from 'commander'
import type { CodegenOptions } from './commands/codegen.ts'
import type { DiffOptions } from './commands/diff.ts'
import type { ExportOptions } from './commands/export.ts'
import type { ImportOptions } from './commands/import.ts'
import type { ApplyOptions, PlanOptions } from './commands/plan.ts'
import type { PromoteOptions } from './commands/promote.ts'
import { systems } from './importers/systems.ts'
import { addCommand, collect, settingsOf, withWrite } from './options.ts'

/** Adds them to the program. */
export function addFiles(program: Command): void {
  addExport(program)
  addPlan(program)
  addCodegen(program)
  addImport(program)
}

/** Adds `diff` and `promote` to the `envs` command. */
export function addEnvFiles(envs: Command): void {
  addCommand(envs, 'diff <a> <b>', {
    does: 'what is other in the second environment, in words',
    examples: ['halyard envs diff staging production', 'halyard envs diff staging production --flag theme'],
  })
    .option('--flag <key>', 'of this flag alone, once for each', collect)
    .action(async (a: string, b: string, options: DiffOptions, command: Command) => {
      const { diffEnvironments } = await import('./commands/diff.ts')
      await diffEnvironments([a, b], options, settingsOf(command))
    })
  const promote = addCommand(envs, 'promote <from> <to>', {
    does: 'give flags the state in one environment that they have in another',
    examples: [
      'halyard envs promote staging production --flag new-checkout',
      'halyard envs promote staging production --segments --comment "release 7"',
    ],
  })
    .option('--flag <key>', 'this flag alone, once for each; all that differ if left out', collect)
    .option('--segments', 'and the segments that these flags use')
  withWrite(promote).action(async (from: string, to: string, options: PromoteOptions, command: Command) => {
    const { promote: run } = await import('./commands/promote.ts')
    await run([from, to], options, settingsOf(command))
  })
}

function addExport(program: Command): void {
  addCommand(program, 'export [file]', {
    does: 'write a project as a file of flags; on stdout without a file',
    examples: ['halyard export flags.yaml', 'halyard export --env production --format json'],
  })
    .addOption(
      new Option('--format <format>', "that of the file's name if left out; yaml on stdout").choices([
        'json',
        'yaml',
      ]),
    )
    .action(async (file: string | undefined, options: ExportOptions, command: Command) => {
      const { exportProject } = await import('./commands/export.ts')
      await exportProject(file, options, settingsOf(command))
    })
}

const prune = ['--prune', 'archive what is there and not in the file'] as const

function addPlan(program: Command): void {
  addCommand(program, 'plan <file>', {
    does: 'what `apply` of a file would change; writes nothing',
    examples: ['halyard plan flags.yaml', 'halyard plan flags.yaml --env staging --detailed-exitcode'],
  })
    .option(...prune)
    .option('--detailed-exitcode', 'end with 4 if there is something to do')
    .action(async (file: string, options: PlanOptions, command: Command) => {
      const { planFile } = await import('./commands/plan.ts')
      await planFile(file, options, settingsOf(command))
    })
  const apply = addCommand(program, 'apply <file>', {
    does: 'make a project what a file of flags says',
    examples: ['halyard apply flags.yaml', 'halyard apply flags.yaml --prune --yes --comment "release 7"'],
  }).option(...prune)
  withWrite(apply).action(async (file: string, options: ApplyOptions, command: Command) => {
    const { applyFile } = await import('./commands/plan.ts')
    await applyFile(file, options, settingsOf(command))
  })
}

function addCodegen(program: Command): void {
  addCommand(program, 'codegen', {
    does: 'write the keys and types of flags as TypeScript',
    examples: ['halyard codegen', 'halyard codegen --file flags.yaml --out src/flags.ts --check'],
  })
    .option('--out <file>', 'where to', 'src/flags.ts')
    .option('--file <file>', 'a file of flags; the project on the server if left out')
    .option('--check', 'write nothing; end with 1 if the file is not what it would be')
    .action(async (options: CodegenOptions, command: Command) => {
      const { codegen } = await import('./commands/codegen.ts')
      await codegen(options, settingsOf(command))
    })
}

function addImport(program: Command): void {
  const parent = addCommand(program, 'import', {
    does: "read another system's flags, for `plan` and `apply`",
    examples: [
      'halyard import flagd flags.flagd.json',
      'halyard import flagd flags.flagd.json --out flags.yaml',
    ],
  })
  for (const { name, what, options } of systems) {
    const command = addCommand(parent, `${name} <file>`, {
      does: `show what would come of ${what}, or write it as a file of flags`,
      examples: [`halyard import ${name} FILE`, `halyard import ${name} FILE --out flags.yaml`],
    })
      .option(
        '--out <file>',
        'write a file of flags, for `plan` and `apply`: all of them or, if any is refused, none',
      )
      .option(
        '--server-only',
        'hide the flags from client (browser) keys, also those that are shown to them there',
      )
    for (const [option, does] of options) command.option(option, does)
    command.action(async (file: string, chosen: ImportOptions, command: Command) => {
      const { importFile } = await import('./commands/import.ts')
      await importFile(name, file, { options: chosen, settings: settingsOf(command) })
    })
  }
}
