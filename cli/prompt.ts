/** Questions on a terminal. They go to stderr: stdout is for results. */
import { Writable } from 'node:stream'
import { createInterface } from 'node:readline/promises'
import { CommandError, exitCodes } from './command-error.ts'

/** Whether somebody is there to be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

export async function ask(question: string, otherwise = ''): Promise<string> {
  const hint = otherwise === '' ? '' : ` [${otherwise}]`
  const answer = await read(`${question}${hint}: `, process.stderr)
  return answer.trim() || otherwise
}

/** Shows nothing of what is typed. */
export async function askSecret(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const answer = await read(`${question}: `, nowhere)
  process.stderr.write('\n')
  return answer.trim()
}

export async function askYes(question: string): Promise<boolean> {
  const answer = await read(`${question} [y/N] `, process.stderr)
  return /^y(?:es)?$/i.test(answer.trim())
}

async function read(question: string, output: NodeJS.WritableStream): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output, terminal: true })
  // Not before: until now the terminal itself shows what is typed.
  if (output !== process.stderr) process.stderr.write(question)
  const gone = new Promise<never>((_, reject) => {
    const refuse = () => reject(new CommandError(exitCodes.refused, 'nothing was changed'))
    terminal.once('SIGINT', refuse).once('close', refuse)
  })
  try {
    return await Promise.race([terminal.question(question), gone])
  } finally {
    gone.catch(() => {}) // its own closing is no refusal
    terminal.close()
  }
}
