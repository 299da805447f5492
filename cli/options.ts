/** What the commands of all groups have in common on the command line. */
import type { Command } from 'commander'
import { makeSettings, type GlobalOptions, type Settings } from './settings.ts'

export interface CommentOption {
  readonly comment?: string
}

export interface WriteOptions extends CommentOption {
  readonly yes?: boolean
}

/** A command with its description and examples, each a line as one would type it. */
export function addCommand(
  parent: Command,
  name: string,
  { does, examples }: { does: string; examples: readonly string[] },
): Command {
  return withExamples(parent.command(name).description(does), examples)
}

/** Shows lines as one would type them below the help of a command. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`)
}

/** A write that reaches readers: it may have to be confirmed. */
export function withWrite(command: Command): Command {
  return withYes(withComment(command))
}

export function withYes(command: Command): Command {
  return command.option('--yes', 'do not ask, also where an environment is protected')
}

export function withComment(command: Command): Command {
  return command.option('--comment <text>', 'why; kept in the audit')
}

export function settingsOf(command: Command): Settings {
  return makeSettings(command.optsWithGlobals<GlobalOptions>(), process.env, process.cwd())
}

/** For an option that is given once for each of several. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}
