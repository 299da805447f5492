import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { isRunning } from './file-lock.mjs'
import { startPostgres, type Postgres } from './postgres.ts'
import { databaseName, type DatabasePlan } from './stack-database.ts'

/** The embedded Postgres, and what may happen to it. Its gateway stays up, as Neon's would. */
export interface BreakableDatabase {
  /** The superuser's connection string: it reads past row security. */
  readonly superuserUrl: () => string
  readonly start: () => Promise<void>
  /** `kill -9` of the server and all its processes. */
  readonly kill9: () => Promise<void>
  /** It answers nobody, and refuses nobody: SIGSTOP. */
  readonly pause: () => void
  readonly resume: () => void
}

/** What `resources` holds is stopped by its owner. */
export function makeBreakableDatabase(
  plan: DatabasePlan,
  folder: string,
  resources: AsyncDisposableStack,
): BreakableDatabase {
  let postgres: Postgres | null = null
  let known: Pick<Postgres, 'port' | 'url'> | null = null
  const start = async () => {
    if (postgres) return
    if (known) postgres = await startPostgres({ folder, port: known.port })
    else {
      resources.defer(async () => await postgres?.stop())
      known = postgres = await plan.start(resources)
    }
  }
  const kill9 = async () => {
    if (!postgres) return
    const processes = familyOf(postgres.pid)
    for (const pid of processes) signal(pid, 'SIGKILL')
    while (processes.some((pid) => isRunning(pid, null))) await wait(5) // oxlint-disable-line no-await-in-loop -- the kernel ends them one by one
    postgres = null
  }
  const send = (name: NodeJS.Signals) => {
    if (postgres) for (const pid of familyOf(postgres.pid)) signal(pid, name)
  }
  const superuserUrl = () => known?.url(databaseName) ?? ''
  return { superuserUrl, start, kill9, pause: () => send('SIGSTOP'), resume: () => send('SIGCONT') }
}

/** A process and its children: each backend of Postgres leads a group of its own, so that no group holds them all. */
function familyOf(pid: number): number[] {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
  return [pid, ...children.map(Number)]
}

function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return 0 // it ended meanwhile
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // it has ended
  }
}
