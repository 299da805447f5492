import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { CommandError, exitCodes, type ExitCode } from './command-error.ts'
import { addAdmin } from './commands/admin.ts'
import type { CreateOptions, ToggleOptions } from './commands/flags.ts'
import type { ContextOptions } from './commands/eval.ts'
import type { ExplainOptions } from './commands/explain.ts'
import type { UsageOptions } from './commands/usage.ts'
import type { ImportOptions } from './commands/import.ts'
import type { RevertOptions } from './commands/revert.ts'
import type { ShowOptions, VersionsOptions } from './commands/versions.ts'
import { visible } from './output.ts'
import { makeSettings, variables, type GlobalOptions, type Settings } from './settings.ts'

const closing = `
Each of these may also come from a variable (${Object.values(variables)
  .map(({ variable }) => variable)
  .join(', ')}),
and beside a local stack from what \`npm run dev\` left in .halyard. An option beats a variable, a variable the file.
NO_COLOR switches colours off; there are none in a pipe.

Exit codes:
  0  done
  1  failed: the API, the edge or the network said no
  2  usage: an option, a variable or a file is not what it has to be
  3  refused: nothing was written (an import with flags that cannot be expressed, planned or applied;
     a protected environment without a yes)`

/** Runs the CLI and gives its exit code. */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  try {
    await makeProgram().parseAsync(argv)
    return exitCodes.done
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    if (!(error instanceof CommandError)) throw error
    process.stderr.write(`halyard: ${visible(error.message)}\n`)
    for (const line of error.lines) process.stderr.write(`  ${visible(line)}\n`)
    return error.exitCode
  }
}

function makeProgram(): Command {
  const program = new Command('halyard')
    .description('Feature flags from the command line')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .option(variables.api.option, variables.api.what)
    .option(variables.edge.option, variables.edge.what)
    .option(variables.token.option, variables.token.what)
    .option(variables.key.option, variables.key.what)
    .option(variables.org.option, variables.org.what)
    .option(variables.project.option, variables.project.what)
    .option(variables.env.option, `${variables.env.what}; import takes several`, collect)
    .option('--json', 'machine output: JSON on stdout and nothing else')
    .addHelpText('after', closing)
  addFlags(program)
  addEval(program)
  addExplain(program)
  addUsage(program)
  program
    .command('watch')
    .description('tell of each change of an environment as it arrives, until Ctrl-C')
    .action(async (_options: object, command: Command) => {
      const { watch } = await import('./commands/watch.ts')
      await watch(settingsOf(command))
    })
  addImport(program)
  addVersions(program)
  addFreeze(program)
  addAdmin(program)
  return program
}

// Commands load what they need when they run: zod alone takes longer than the rest.
const load = async () => await import('./commands/flags.ts')

function addFlags(program: Command): void {
  const flags = program.command('flags').description('the flags of a project')
  flags
    .command('list')
    .description('every flag, with its state in an environment')
    .action(async (_options: object, command: Command) => (await load()).listFlags(settingsOf(command)))
  flags
    .command('get <key>')
    .description('a flag, with its state in an environment')
    .action(async (key: string, _options: object, command: Command) =>
      (await load()).getFlag(key, settingsOf(command)),
    )
  flags
    .command('create <key>')
    .description('create a flag; it starts switched off in every environment')
    .option('--type <type>', 'boolean, string, number or json; boolean if left out', readType)
    .option('--variant <key=json>', 'a variant, once for each; a boolean flag has on and off anyway', collect)
    .option('--name <text>', 'a name for people')
    .option('--description <text>', 'what it is for')
    .option('--client-visible', 'let client (browser) keys see it')
    .action(async (key: string, options: CreateOptions, command: Command) =>
      (await load()).createFlag(key, options, settingsOf(command)),
    )
  flags
    .command('toggle <key>')
    .description('switch a flag on or off in an environment; to the other state if neither is said')
    .option('--on', 'switch it on')
    .option('--off', 'switch it off')
    .option('--yes', 'do not ask, also where the environment is protected')
    .action(async (key: string, options: ToggleOptions, command: Command) => {
      if (options.on && options.off) command.error('error: --on and --off exclude each other')
      await (await load()).toggleFlag(key, options, settingsOf(command))
    })
}

function addEval(program: Command): void {
  const command = program
    .command('eval [key]')
    .description('evaluate a flag at the edge, or all that the key may see')
  withContext(command).action(async (key: string | undefined, options: ContextOptions, command: Command) => {
    const { evaluate } = await import('./commands/eval.ts')
    await evaluate(key, options, settingsOf(command))
  })
}

function addExplain(program: Command): void {
  const command = program
    .command('explain <key>')
    .description('why a context gets what it gets, step by step; --key says who, as --targeting-key does')
    .option('--version <token>', 'at an earlier version of the environment, such as 1.42')
    .option('--now <time>', 'at another moment, such as 2026-11-27T12:00:00Z')
  withContext(command).action(async (key: string, options: ExplainOptions, command: Command) => {
    const { explain } = await import('./commands/explain.ts')
    const { key: who } = command.optsWithGlobals<ExplainOptions>()
    await explain(key, { ...options, ...(who !== undefined && { key: who }) }, settingsOf(command))
  })
}

function addUsage(program: Command): void {
  program
    .command('usage <key>')
    .description('how often each variant of a flag was given, and when it was last asked for')
    .option('--from <time>', 'such as 2026-11-01T00:00:00Z; 30 days ago if left out')
    .option('--to <time>', 'now if left out')
    .addOption(new Option('--by <unit>', 'in hours or days').choices(['hour', 'day']))
    .action(async (key: string, options: UsageOptions, command: Command) => {
      const { showUsage } = await import('./commands/usage.ts')
      await showUsage(key, options, settingsOf(command))
    })
  program
    .command('stale')
    .description('flags that may have done their work: expired, unused, or one variant to everybody')
    .action(async (_options: object, command: Command) => {
      const { listStale } = await import('./commands/usage.ts')
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

function addImport(program: Command): void {
  program
    .command('import')
    .description("bring in another system's flags")
    .command('flagd <file>')
    .description(
      'plan what would come of a flag file of flagd; all environments get the same state, or those of --env',
    )
    .option('--apply', 'do it: all flags or, if any is refused, none')
    .option('--typed', 'take attributes to arrive in the type that they are compared with, or not at all')
    .option('--server-only', 'hide the flags from client (browser) keys; flagd shows them to every client')
    .option('--rebucket', 'turn fractional into splits, by which users move between variants')
    .action(async (file: string, options: ImportOptions, command: Command) => {
      const { importFlagd } = await import('./commands/import.ts')
      await importFlagd(file, options, settingsOf(command))
    })
}

function addVersions(program: Command): void {
  const versions = program
    .command('versions')
    .description('the newest versions of an environment')
    .option('--limit <number>', 'how many; 20 if left out')
    .action(async (options: VersionsOptions, command: Command) => {
      const { listVersions } = await import('./commands/versions.ts')
      await listVersions(options, settingsOf(command))
    })
  versions
    .command('show <version>')
    .description('what a version changed, and what became of it')
    .option('--compare <version>', 'compare with this version; with the one before if left out')
    .action(async (version: string, options: ShowOptions, command: Command) => {
      const { showVersion } = await import('./commands/versions.ts')
      await showVersion(version, options, settingsOf(command))
    })
  program
    .command('revert <version>')
    .description('make the states of flags and segments what they were at a version')
    .option('--flag <key>', 'this flag alone, once for each', collect)
    .option('--segment <key>', 'this segment alone, once for each', collect)
    .option('--comment <text>', 'why; kept in the audit')
    .option('--yes', 'do not ask, also where the environment is protected')
    .action(async (version: string, options: RevertOptions, command: Command) => {
      const { revert } = await import('./commands/revert.ts')
      await revert(version, options, settingsOf(command))
    })
}

function addFreeze(program: Command): void {
  program
    .command('freeze')
    .description('stop the publishing of an environment: edits wait, and so do kill switches and revocations')
    .requiredOption('--comment <text>', 'why; shown to whoever finds it frozen')
    .action(async (options: { comment: string }, command: Command) => {
      const { freeze } = await import('./commands/freeze.ts')
      await freeze(options, settingsOf(command))
    })
  program
    .command('unfreeze')
    .description('publish an environment again, at once also what waited')
    .option('--comment <text>', 'why; kept in the audit')
    .action(async (options: { comment?: string }, command: Command) => {
      const { unfreeze } = await import('./commands/freeze.ts')
      await unfreeze(options, settingsOf(command))
    })
}

function settingsOf(command: Command): Settings {
  return makeSettings(command.optsWithGlobals<GlobalOptions>(), process.env, process.cwd())
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

function readType(text: string): string {
  if (['boolean', 'string', 'number', 'json'].includes(text)) return text
  throw new InvalidArgumentError('It is boolean, string, number or json.')
}
