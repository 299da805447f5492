/** For tests: the CLI on a terminal, by way of `script`. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

/** That of util-linux: others take the command in another way. */
export const hasTerminal = spawnSync('script', ['--version']).status === 0

export interface Dialogue {
  readonly args: readonly string[]
  /** What is typed once the screen shows a text, one after another. */
  readonly answers: readonly (readonly [shown: string, typed: string])[]
  readonly env?: Readonly<Record<string, string>>
  readonly folder: string
}

/** What the screen showed in the end, and the exit code. */
export async function talk({
  args,
  answers,
  env,
  folder,
}: Dialogue): Promise<{ code: number; screen: string }> {
  const command = [process.execPath, main, ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], TERM: 'dumb', NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let screen = ''
  let seen = 0
  const left = [...answers]
  child.stdout.on('data', (data) => {
    screen += String(data)
    const [next] = left
    const at = next ? screen.indexOf(next[0], seen) : -1
    if (!next || at < 0) return
    seen = screen.length
    left.shift()
    child.stdin.write(`${next[1]}\r`)
  })
  const [code] = await once(child, 'close')
  return { code: Number(code), screen: screen.replaceAll('\r\n', '\n') }
}
