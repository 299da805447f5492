import { Argument, type Command } from 'commander'
import type { InitOptions } from '../commands/init.ts'
import type { LoginOptions } from '../commands/login.ts'
import type { GlobalOptions } from '../settings.ts'
import { addCommand, settingsOf } from '../options.ts'

/** From nothing to a first flag. */
export function addSetup(program: Command): void {
  addInit(program)
  addLogin(program)
  addCommand(program, 'doctor', {
    does: 'check settings, API, edge, stream and files, and say what to do',
    examples: ['halyard doctor', 'halyard doctor --env production --json'],
  }).action(async (_options: object, command: Command) => {
    const { doctor } = await import('../commands/doctor.ts')
    await doctor(settingsOf(command))
  })
  addCompletion(program)
}

function addInit(program: Command): void {
  addCommand(program, 'init', {
    does: 'a first flag from nothing: project, environment, flag, halyard.json and how to use them',
    examples: [
      'halyard init',
      'halyard init --yes --project web --env development --flag new-checkout',
      'halyard init --local',
    ],
  })
    .option('--flag <key>', 'the key of the first flag; first-flag if left out')
    .option('--local', 'no server: write flags.json, for @halyard/sdk/local')
    .option('--yes', 'do not ask: take what is given, and otherwise what would be proposed')
    .action(async (options: InitOptions, command: Command) => {
      const { init } = await import('../commands/init.ts')
      await init(options, settingsOf(command))
    })
}

function addLogin(program: Command): void {
  addCommand(program, 'login', {
    does: 'keep a management token for an API, for this user of this machine',
    examples: [
      'halyard login',
      'halyard login --api https://flags.example.com --token-stdin < token.txt',
      'halyard login --profile work',
    ],
  })
    .option('--token-stdin', 'read the token from stdin')
    .action(async (options: LoginOptions, command: Command) => {
      const { login } = await import('../commands/login.ts')
      await login({ ...options, ...command.optsWithGlobals<GlobalOptions>() }, settingsOf(command))
    })
  addCommand(program, 'logout', {
    does: 'forget a token that login kept',
    examples: ['halyard logout', 'halyard logout --profile work'],
  }).action(async (_options: object, command: Command) => {
    const { logout } = await import('../commands/login.ts')
    logout(settingsOf(command))
  })
}

function addCompletion(program: Command): void {
  addCommand(program, 'completion', {
    does: 'print what makes a shell complete commands, options, flags and environments',
    examples: [
      'halyard completion bash > ~/.local/share/bash-completion/completions/halyard',
      'halyard completion zsh > "${fpath[1]}/_halyard"',
      'halyard completion fish > ~/.config/fish/completions/halyard.fish',
    ],
  })
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { printCompletion } = await import('../commands/completion.ts')
      printCompletion(shell)
    })
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: string[]) => {
      const { complete } = await import('../commands/completion.ts')
      await complete(program, words)
    })
}
