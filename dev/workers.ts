import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'

import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fault } from './fault.ts'
import { isRunning, startOf } from './file-lock.mjs'
import { guardProcess } from './guard.mjs'
import { findFreePort, requireFreePort } from './ports.ts'
import { findTool } from './run-tool.ts'
import { writePrivate, type WorkerName } from './secrets.ts'
import { readWorkerOutput, type WorkerOutput } from './worker-output.ts'

export interface WorkerOptions {
  readonly name: WorkerName
  /** The path of its wrangler.toml. */
  readonly config: string
  /** A built Worker, run as it is; its sources if left out. */
  readonly script?: string
  readonly envFile: string
  readonly port: number
  /** The address to listen on, 127.0.0.1 unless a container has to be reached from outside. */
  readonly host: string
  readonly stateFolder: string
  readonly log: (line: string) => void
  /** Told when it ends without having been asked to. */
  readonly onDeath: (name: WorkerName) => void
}

/** A Worker in its own `wrangler dev`: stop or kill it, and start it again on the same port and state. */
export interface Worker {
  readonly name: WorkerName
  readonly url: string
  /** The process group of wrangler, its workerd and esbuild; null while it does not run. */
  readonly pid: () => number | null
  /** Resolves when it answers requests. */
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** `kill -9` of the whole group. */
  readonly kill9: () => Promise<void>
}

interface Running {
  readonly child: ChildProcess
  readonly pid: number
  readonly output: WorkerOutput
  /** Its end comes as no surprise: it was asked for, or the start failed. */
  isExpected: boolean
}

const startMaxMs = 90_000
const stopMaxMs = 5_000
const startTries = 4
const wrangler = findTool('wrangler', 'wrangler')

export function makeWorker(options: WorkerOptions): Worker {
  const { name, port, stateFolder } = options
  const url = `http://127.0.0.1:${port}`
  const file = pidFile(stateFolder, name)
  let running: Running | null = null

  const start = async () => {
    if (running) return
    killLeftover(file)
    for (let tries = 1; running === null; tries++) {
      // One try after another.
      // oxlint-disable-next-line no-await-in-loop
      const self = await run(options, () => (running = null))
      // oxlint-disable-next-line no-await-in-loop
      if (await isAnswering(url, self.child)) running = self
      else if (tries === startTries || !isCollision(self.output)) throw explain(name, self.output)
    }
    running.isExpected = false
    running.output.release()
  }

  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    if (!running) return
    const { child, pid } = running
    running.isExpected = true
    running.output.mute()
    const ended = once(child, 'exit')
    if (signal === 'SIGTERM') child.kill(signal)
    else signalGroup(pid, signal)
    const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), stopMaxMs)
    await ended
    clearTimeout(timer)
    rmSync(file, { force: true })
    await requireFreePort(port, name, 'It did not end')
  }

  return {
    name,
    url,
    pid: () => running?.pid ?? null,
    start,
    stop: () => end('SIGTERM'),
    kill9: () => end('SIGKILL'),
  }
}

/** Runs wrangler in a process group of its own, which ends as a whole, and with this process at the latest. */
async function run(options: WorkerOptions, onExit: () => void): Promise<Running> {
  const { name, port, stateFolder } = options
  forgetRegistration(options)
  await requireFreePort(port, name, 'Stop what listens there, or choose other ports: npm run dev -- --help')
  const child = launch(options, await findFreePort())
  const { pid } = child
  if (pid === undefined) throw fault('wrangler does not start', 'Remove node_modules and try again')
  const self: Running = {
    child,
    pid,
    output: readWorkerOutput([child.stdout, child.stderr], options.log, () => signalGroup(pid, 'SIGKILL')),
    isExpected: true,
  }
  const release = guardProcess(-pid, 'KILL')
  writePrivate(pidFile(stateFolder, name), JSON.stringify({ pid, started: startOf(pid) }))
  child.once('exit', () => {
    release()
    signalGroup(pid, 'SIGKILL') // whatever wrangler left behind
    onExit()
    if (!self.isExpected) options.onDeath(name)
  })
  return self
}

/** Workers that share a folder may meet in the moment when one makes or mends a file in it. */
function isCollision({ beginning }: WorkerOutput): boolean {
  return beginning().some((line) => line.includes('SQLITE_BUSY'))
}

/** The first error and what explains it; what follows is the end of wrangler's own helpers. */
function explain(name: WorkerName, { beginning }: WorkerOutput): Error {
  const lines = beginning()
  const from = Math.max(
    0,
    lines.findIndex((line) => /error/i.test(line)),
  )
  const text = lines
    .slice(from, from + 8)
    .join(' ')
    .replaceAll(/\s+/g, ' ')
  return fault(`Worker ${name} did not start: ${text.trim() || 'no answer'}`, 'Mend it and try again')
}

function launch(options: WorkerOptions, inspectorPort: number) {
  const { config, script, port, host, envFile, stateFolder } = options
  const flags = {
    config,
    port,
    ip: host,
    'inspector-port': inspectorPort,
    'persist-to': join(stateFolder, 'wrangler'),
    'env-file': envFile,
    'show-interactive-dev-session': false,
  }
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)
  const built = script === undefined ? [] : [script, '--no-bundle']
  return spawn(process.execPath, [wrangler, 'dev', ...built, ...args], {
    detached: true, // leads a process group of its own
    env: environment(stateFolder, envFile),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** The developer's environment, without what would change a Worker, and with wrangler quiet and kept to our folder. */
function environment(stateFolder: string, envFile: string): NodeJS.ProcessEnv {
  const env = { ...process.env }
  // wrangler prefers a secret of the environment to the env file's: DATABASE_URL there is the owner's.
  for (const [, name] of readFileSync(envFile, 'utf8').matchAll(/^(\w+)=/gm)) delete env[name ?? '']
  for (const name of ['CLOUDFLARE_ENV', 'NODE_OPTIONS', 'FORCE_COLOR']) delete env[name]
  mkdirSync(registryFolder(stateFolder), { recursive: true })
  return {
    ...env,
    NODE_ENV: 'development',
    NO_COLOR: '1',
    WRANGLER_REGISTRY_PATH: registryFolder(stateFolder),
    CLOUDFLARE_DEV_REGISTRY_PATH: registryFolder(stateFolder), // what miniflare prefers to the one above
    WRANGLER_CACHE_DIR: join(stateFolder, 'wrangler-cache'),
    WRANGLER_WRITE_LOGS: 'false',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_SEND_ERROR_REPORTS: 'false',
    WRANGLER_HIDE_BANNER: 'true', // and with it the look for updates
    WRANGLER_NO_SKILLS_UPDATE_PROMPTS: 'true',
    CLOUDFLARE_CF_FETCH_ENABLED: 'false', // `request.cf` is a placeholder: no look-up
  }
}

/** Waits for the first answer, of whatever status. False if there is none: its group is then ended. */
async function isAnswering(url: string, child: ChildProcess): Promise<boolean> {
  const end = Date.now() + startMaxMs
  while (child.exitCode === null && child.signalCode === null && Date.now() < end) {
    try {
      const response = await fetch(url, { redirect: 'manual' }) // oxlint-disable-line no-await-in-loop -- until it answers
      await response.body?.cancel() // oxlint-disable-line no-await-in-loop
      return true
    } catch {
      await wait(50) // oxlint-disable-line no-await-in-loop -- not listening yet
    }
  }
  if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
  return false
}

function registryFolder(stateFolder: string): string {
  return join(stateFolder, 'registry')
}

function pidFile(stateFolder: string, name: WorkerName): string {
  return join(stateFolder, `${name}.pid`)
}

/** A killed Worker leaves its registration, and for 90 s its successor would not dare to replace it. */
function forgetRegistration({ config, stateFolder }: WorkerOptions): void {
  const name = /^name\s*=\s*["'](.+)["']/m.exec(readFileSync(config, 'utf8'))?.[1]
  if (name !== undefined) rmSync(join(registryFolder(stateFolder), name), { force: true })
}

/** Ends the group that a killed stack left running. */
function killLeftover(file: string): void {
  try {
    const { pid, started } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; started: string } // ours
    if (isRunning(pid, started)) signalGroup(pid, 'SIGKILL')
  } catch {
    // nothing was left
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // all of it has ended
  }
}
