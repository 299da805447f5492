import type { Command } from 'commander'
import { findCandidates } from '../completion/candidates.ts'
import { readNames } from '../completion/names.ts'
import { scripts } from '../completion/scripts.ts'
import { printLine } from '../output.ts'
import { makeSettings } from '../settings.ts'

/** `completion`: prints the script of a shell. */
export function printCompletion(shell: keyof typeof scripts): void {
  printLine(scripts[shell])
}

/** `complete`: what the scripts ask. Prints nothing rather than an error. */
export async function complete(program: Command, words: readonly string[]): Promise<void> {
  const { candidates, kind, options } = findCandidates(program, words)
  for (const { value, what } of candidates) printLine(what === '' ? value : `${value}\t${what}`)
  if (kind === null) return
  const { env, ...others } = options
  const settings = makeSettings(
    { ...others, ...(env !== undefined && { env: [env] }) },
    process.env,
    process.cwd(),
  )
  const current = words.at(-1) ?? ''
  for (const name of await readNames({ kind, text: current }, settings, process.env))
    if (name.startsWith(current)) printLine(name)
}
