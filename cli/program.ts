import { Command, CommanderError } from 'commander'
import { CommandError, exitCodes, type ExitCode } from './command-error.ts'
import { addAdmin } from './commands/admin.ts'
import { addAccess } from './grammar/access.ts'
import { addFlags, addShortCuts } from './grammar/flags.ts'
import { addEnvironments, addFreeze, addProjects } from './grammar/places.ts'
import { addMetrics } from './grammar/metrics.ts'
import { addReading } from './grammar/reading.ts'
import { addLayers, addSegments } from './grammar/segments.ts'
import { addSetup } from './grammar/setup.ts'
import { addVersions } from './grammar/versions.ts'
import { collect, withExamples } from './options.ts'
import { visible } from './output.ts'
import { addEnvFiles, addFiles } from './program-files.ts'
import { addServe } from './program-serve.ts'
import { profileVariable, variables } from './settings.ts'

const closing = `
Each of these may also come from a variable (${[...Object.values(variables).map(({ variable }) => variable), profileVariable].join(', ')}),
from halyard.json in this folder or above, from \`halyard login\`, and beside a local stack from what \`npm run dev\`
left in .halyard. An option beats a variable, a variable halyard.json, that a login, and all of them the local stack.
NO_COLOR switches colours off; there are none in a pipe. \`halyard --version\` says which this is.

Exit codes:
  0  done
  1  failed: the API, the edge or the network said no
  2  usage: an option, a variable or a file is not what it has to be
  3  refused: nothing was written (an import with flags that cannot be expressed;
     a protected environment without a yes)
  4  changes pending, of \`plan --detailed-exitcode\` alone
  130  interrupted: \`apply\` has told what was done and what was not`

const examples = [
  'halyard init',
  'halyard flags toggle new-checkout --on --env production',
  'halyard explain new-checkout --targeting-key user-1',
]

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

export function makeProgram(): Command {
  const program = withExamples(new Command('halyard'), examples)
    .description('Feature flags from the command line')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .option(variables.api.option, variables.api.what)
    .option(variables.edge.option, variables.edge.what)
    .option(variables.token.option, variables.token.what)
    .option(variables.key.option, variables.key.what)
    .option(variables.org.option, variables.org.what)
    .option(variables.project.option, variables.project.what)
    .option(variables.env.option, `${variables.env.what}; export, plan and apply take several`, collect)
    .option('--profile <name>', 'the login to use; that of the API, or the default one, if left out')
    .option('--json', 'machine output: JSON on stdout and nothing else')
    .addHelpText('after', closing)
  program.commandsGroup('Start:')
  addSetup(program)
  program.commandsGroup('Flags:')
  addFlags(program)
  addShortCuts(program)
  addReading(program)
  addMetrics(program)
  program.commandsGroup('Places and access:')
  addProjects(program)
  addEnvFiles(addEnvironments(program))
  addSegments(program)
  addLayers(program)
  addAccess(program)
  program.commandsGroup('History:')
  addVersions(program)
  addFreeze(program, '[name]')
  program.commandsGroup('Files:')
  addFiles(program)
  addServe(program)
  program.commandsGroup('Operating:')
  addAdmin(program)
  return program
}
