import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'

export interface Order {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

export interface Running {
  /** What it printed so far: complete lines, without colours. Throws if it has ended. */
  readonly lines: () => readonly string[]
}

/** Runs a program to its end; throws with all that it said if it failed. */
export async function runProgram(order: Order): Promise<void> {
  const child = launch(order)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  if (code !== 0)
    throw new Error(`${order.command} ${order.args.join(' ')} ended with ${code}:\n${stdout}${stderr}`)
}

/** Starts a program that goes on until the stack is disposed, with all that it started. */
export function startProgram(order: Order, stack: AsyncDisposableStack): Running {
  const child = launch(order)
  let output = ''
  child.stdout.on('data', (data) => (output += data))
  child.stderr.on('data', (data) => (output += data))
  const exit = once(child, 'exit')
  stack.defer(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL') // it runs, so it has one
    await exit
  })
  return {
    lines: () => {
      if (child.exitCode !== null)
        throw new Error(`${order.command} ended with ${child.exitCode}:\n${output}`)
      return stripVTControlCharacters(output).split('\n').slice(0, -1)
    },
  }
}

/** In a group of its own, so that what it starts ends with it. */
function launch({ command, args, cwd, env = {} }: Order) {
  return spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
}
