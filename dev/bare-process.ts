import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { BareNews, BareOrder } from './bare-workers.ts'
import { fault } from './fault.ts'
import { guardProcess } from './guard.mjs'

/** Workers on one bare workerd, in a process group of their own. */
export interface BareProcess {
  /** 0 while it does not run. */
  readonly workerdPid: () => number
  /** Resolves when it listens. */
  readonly start: () => Promise<void>
  /** `kill -9` of workerd alone; resolves when another one listens in its place. */
  readonly replaceWorkerd: () => Promise<void>
  /** `kill -9` of the whole group. */
  readonly kill9: () => Promise<void>
}

const startMaxMs = 60_000
const program = fileURLToPath(new URL('bare-workers.ts', import.meta.url))

export interface BareProcessOptions {
  readonly order: BareOrder
  readonly log: (line: string) => void
  /** Where Workers of several processes find each other. */
  readonly registry?: string | undefined
}

/** Nothing runs until `start`; ports and state are those of the order, at each start. */
export function makeBareProcess({ order, log, registry }: BareProcessOptions): BareProcess {
  let child: ChildProcess | null = null
  let workerdPid = 0

  const start = async () => {
    if (child) return
    if (registry !== undefined) forgetRegistrations(registry, order)
    child = launch(log)
    child.on('message', (news: BareNews) => (workerdPid = news.workerdPid))
    const ready = nextReady(child)
    child.send(order)
    await ready
  }

  const kill9 = async () => {
    if (!child) return
    const ended = once(child, 'exit')
    signal(-(child.pid ?? 0), 'SIGKILL') // it runs, so it has one
    await ended
    child = null
    workerdPid = 0
  }

  const replaceWorkerd = async () => {
    if (!child || workerdPid === 0) throw fault('No workerd runs', 'Start it first')
    // Miniflare's own replacement is not joined to the other processes.
    if (registry !== undefined) {
      await kill9()
      return await start()
    }
    const ready = nextReady(child)
    signal(workerdPid, 'SIGKILL')
    await ready
  }

  return { workerdPid: () => workerdPid, start, replaceWorkerd, kill9 }
}

function launch(log: (line: string) => void): ChildProcess {
  const child = spawn(process.execPath, [program], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
  })
  if (child.pid === undefined) throw fault('The process of the Workers does not start', 'Try again')
  const { pid } = child
  const release = guardProcess(-pid, 'KILL')
  child.once('exit', () => {
    signal(-pid, 'SIGKILL') // workerd, should it be left
    release()
  })
  for (const stream of [child.stdout, child.stderr])
    if (stream) createInterface({ input: stream }).on('line', log)
  return child
}

async function nextReady(child: ChildProcess): Promise<void> {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), startMaxMs)
  try {
    const first = await Promise.race([
      once(child, 'message', { signal: stop.signal }),
      once(child, 'exit', { signal: stop.signal }).then(() => null),
    ])
    if (first === null) throw fault('The process of the Workers ended', 'Its log says why')
  } finally {
    clearTimeout(timer)
    stop.abort()
  }
}

/** A killed process leaves its registrations, and for 90 s its successor would not dare to replace them. */
function forgetRegistrations(registry: string, { names }: BareOrder): void {
  for (const name of names) rmSync(join(registry, name), { force: true, recursive: true })
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // it has ended
  }
}
