import { Option, type Command } from 'commander'
import type { ContextOptions } from '../commands/eval.ts'
import type { ExplainOptions } from '../commands/explain.ts'
import type { UsageOptions } from '../commands/usage.ts'
import { addCommand, collect, settingsOf } from '../options.ts'

/** What flags give, and gave. */
export function addReading(program: Command): void {
  addEval(program)
  addExplain(program)
  addCommand(program, 'watch', {
    does: 'tell of each change of an environment as it arrives, until Ctrl-C',
    examples: ['halyard watch --env production', 'halyard watch --json | jq .changes'],
  }).action(async (_options: object, command: Command) => {
    const { watch } = await import('../commands/watch.ts')
    await watch(settingsOf(command))
  })
  addUsage(program)
}

function addEval(program: Command): void {
  const command = addCommand(program, 'eval [key]', {
    does: 'evaluate a flag at the edge, or all that the key may see',
    examples: [
      'halyard eval new-checkout --targeting-key user-1',
      'halyard eval --attribute plan=pro --attribute user.country=DE --json',
    ],
  })
  withContext(command).action(async (key: string | undefined, options: ContextOptions, command: Command) => {
    const { evaluate } = await import('../commands/eval.ts')
    await evaluate(key, options, settingsOf(command))
  })
}

function addExplain(program: Command): void {
  const command = addCommand(program, 'explain <key>', {
    does: 'why a context gets what it gets, step by step; --key says who, as --targeting-key does',
    examples: [
      'halyard explain new-checkout --targeting-key user-1 --env production',
      'halyard explain new-checkout --key user-1 --version 1.42',
    ],
  })
    .option('--version <token>', 'at an earlier version of the environment, such as 1.42')
    .option('--now <time>', 'at another moment, such as 2026-11-27T12:00:00Z')
  withContext(command).action(async (key: string, options: ExplainOptions, command: Command) => {
    const { explain } = await import('../commands/explain.ts')
    const { key: who } = command.optsWithGlobals<ExplainOptions>()
    await explain(key, { ...options, ...(who !== undefined && { key: who }) }, settingsOf(command))
  })
}

function addUsage(program: Command): void {
  addCommand(program, 'usage <key>', {
    does: 'how often each variant of a flag was given, and when it was last asked for',
    examples: ['halyard usage new-checkout --env production', 'halyard usage new-checkout --by hour --json'],
  })
    .option('--from <time>', 'such as 2026-11-01T00:00:00Z; 30 days ago if left out')
    .option('--to <time>', 'now if left out')
    .addOption(new Option('--by <unit>', 'in hours or days').choices(['hour', 'day']))
    .action(async (key: string, options: UsageOptions, command: Command) => {
      const { showUsage } = await import('../commands/usage.ts')
      await showUsage(key, options, settingsOf(command))
    })
  addCommand(program, 'stale', {
    does: 'flags that may have done their work: expired, unused, or one variant to everybody',
    examples: ['halyard stale --env production', 'halyard stale --json'],
  }).action(async (_options: object, command: Command) => {
    const { listStale } = await import('../commands/usage.ts')
    await listStale(settingsOf(command))
  })
}

function withContext(command: Command): Command {
  return command
    .option('--context <json>', 'the whole context, as a JSON object or a file that holds one')
    .option('--targeting-key <text>', 'who it is evaluated for')
    .option(
      '--attribute <name=value>',
      'an attribute, once for each; JSON where it reads as such, else text',
      collect,
    )
}
