import { randomBytes } from 'node:crypto'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { fault } from './fault.ts'
import { guardProcess } from './guard.mjs'
import { findFreePort } from './ports.ts'
import { commandAs, findAccount, findPostgres, type Account, type Command } from './postgres-binaries.ts'
import { stopLeftover } from './postgres-leftover.ts'

export interface PostgresOptions {
  /** A folder of our own: it keeps the data, the superuser's password and nothing else. */
  readonly folder: string
  /** Any free one if left out. */
  readonly port?: number
  /** False: a crash of the machine may lose the data. For tests. */
  readonly isDurable?: boolean
  /** Told when the server ends without having been asked to. */
  readonly onDeath?: () => void
}

export interface Postgres {
  readonly port: number
  readonly pid: number
  /** The superuser's connection string for a database. */
  readonly url: (database?: string) => string
  /** Disconnects everybody and ends the server in order. */
  readonly stop: () => Promise<void>
}

type Server = ChildProcessByStdio<null, null, Readable>

const superuser = 'postgres'
const draftPrefix = 'data.new-'
const stopMaxMs = 10_000
const readyLine = 'database system is ready to accept connections'
const fastSettings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']
const settings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=300',
  'shared_buffers=64MB',
  'timezone=UTC',
  'log_timezone=UTC',
  'client_connection_check_interval=1s', // a query ends when its client has gone
]
// Sorting by code point, and the same on every system: no locale of the machine takes part.
const initdbArgs = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
const authArgs = ['--auth-local=reject', '--auth-host=password', `--username=${superuser}`, '--no-sync']

/** Starts the embedded server on 127.0.0.1, making its data folder when that is missing. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const folder = resolve(options.folder)
  const data = join(folder, 'data')
  const account = findAccount()
  const programs = findPostgres(account)
  mkdirSync(folder, { recursive: true })
  if (account) chownSync(folder, account.uid, account.gid)
  const prepare = (file: string, args: readonly string[]) => commandAs(account, data, { file, args })
  await stopLeftover(data)
  const password = keepPassword(join(folder, 'password'), account)
  if (!existsSync(data))
    await initialise(folder, (made) => prepare(programs.initdb, [...initdbArgs, ...authArgs, ...made]))
  const wanted = [...settings, ...(options.isDurable === false ? fastSettings : [])].flatMap((each) => [
    '-c',
    each,
  ])
  const start = async (port: number) => {
    const child = launch(prepare(programs.postgres, ['-D', data, '-p', String(port), ...wanted]), 'orderly')
    await waitUntilReady(child, port)
    return { child, port }
  }
  const { child, port } = await start(options.port ?? (await findFreePort()))
  return describe(child, port, password, options.onDeath)
}

function describe(child: Server, port: number, password: string, onDeath = () => {}): Postgres {
  const pid = child.pid ?? 0 // it is running, or waitUntilReady had thrown
  let isExpected = false
  const ended = Promise.withResolvers<void>()
  child.once('exit', () => {
    ended.resolve()
    if (!isExpected) onDeath()
  })
  const stop = async () => {
    isExpected = true
    child.kill('SIGINT')
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMaxMs)
    await ended.promise
    clearTimeout(timer)
  }
  const url = (database = 'postgres') => `postgresql://${superuser}:${password}@127.0.0.1:${port}/${database}`
  return { port, pid, url, stop }
}

function keepPassword(path: string, account: Account | null): string {
  if (!existsSync(path)) {
    writeFileSync(path, `${randomBytes(18).toString('hex')}\n`, { mode: 0o600 })
    if (account) chownSync(path, account.uid, account.gid) // initdb reads it as that account
  }
  return readFileSync(path, 'utf8').trim()
}

/** Makes the data folder under another name first, so that a start that was killed leaves no half-made one. */
async function initialise(folder: string, initdb: (args: readonly string[]) => Command): Promise<void> {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(draftPrefix))
      rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 5 })
  }
  const draft = join(folder, `${draftPrefix}${process.pid}`)
  const child = launch(initdb([`--pgdata=${draft}`, `--pwfile=${join(folder, 'password')}`]), 'at once')
  const lines = keepLastLines(child.stderr)
  const [code] = await once(child, 'close')
  if (code !== 0)
    throw fault(`Postgres could not make its data folder: ${lines().join(' ')}`, `Look at ${folder}`)
  renameSync(draft, join(folder, 'data'))
}

/** In a group of its own, out of reach of the terminal's Ctrl-C: it must outlive what uses it, but never us. */
function launch({ file, args, ...account }: Command, end: 'orderly' | 'at once'): Server {
  // A plain environment: no PG… variable of the developer's, no language in messages.
  const env = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }
  const stdio: ['ignore', 'ignore', 'pipe'] = ['ignore', 'ignore', 'pipe']
  const child = spawn(file, args, { ...account, env, cwd: '/', detached: true, stdio })
  if (child.pid !== undefined) {
    const release = end === 'orderly' ? guardProcess(child.pid, 'INT') : guardProcess(-child.pid, 'KILL')
    child.once('exit', release)
  }
  return child
}

async function waitUntilReady(child: Server, port: number): Promise<void> {
  const lines = keepLastLines(child.stderr)
  const ready = Promise.withResolvers<boolean>()
  child.stderr.on('data', () => lines().some((line) => line.includes(readyLine)) && ready.resolve(true))
  child.once('close', () => ready.resolve(false))
  child.once('error', ready.reject)
  if (await ready.promise) return
  const text = lines().join(' ')
  if (text.includes('Address already in use'))
    throw fault(`Port ${port} (Postgres) is in use`, 'Choose another port')
  if (text.includes('initialized by PostgreSQL version')) {
    throw fault(
      'The data folder is of another version of Postgres',
      'Start over with --reset, which deletes it',
    )
  }
  throw fault(`Postgres did not start: ${text}`, 'Start over with --reset, which deletes its data')
}

/** Reads a stream to its end, or it would block its writer, and remembers the last lines. */
function keepLastLines(stream: Readable): () => readonly string[] {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-4000)))
  return () => text.trim().split('\n').slice(-20)
}
