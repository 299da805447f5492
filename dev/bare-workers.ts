/**
 * The process that `bare-process.ts` starts: Workers on one bare workerd, without `wrangler dev` in between. It is told
 * what to run in one message, and says when it listens, again after a workerd that died was replaced.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from 'miniflare'

export interface BareOrder {
  /** As miniflare takes them. */
  readonly workers: V4MiniflareOptions
  readonly names: readonly string[]
  /** What each cron expression fires: once now, then every so often. */
  readonly crons: { readonly worker: string; readonly expressions: readonly string[] } | null
}

/** What it tells its parent. */
export interface BareNews {
  readonly kind: 'ready'
  readonly workerdPid: number
}

process.once('message', (order: BareOrder) => void run(order))
process.once('disconnect', () => process.exit(0)) // whoever started us has gone

async function run({ workers, crons }: BareOrder): Promise<void> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({ ...workers, unsafeHandleRuntimeRestart: tellReady } as V4MiniflareOptions), // two parts of one
  )
  await miniflare.ready
  tellReady()
  if (crons === null) return
  const fire = () => void fireCrons(miniflare, crons)
  fire()
  setInterval(fire, 60_000)
}

function tellReady(): void {
  process.send?.({ kind: 'ready', workerdPid: findWorkerd() } satisfies BareNews)
}

async function fireCrons(miniflare: Miniflare, { worker, expressions }: NonNullable<BareOrder['crons']>) {
  try {
    const { scheduled } = await miniflare.getWorker(worker)
    for (const cron of expressions) await scheduled({ cron, scheduledTime: new Date() }) // oxlint-disable-line no-await-in-loop
  } catch {
    // workerd is being killed: next minute
  }
}

function findWorkerd(): number {
  return Number(readdirSync('/proc').find((name) => /^\d+$/.test(name) && isOurs(name)) ?? 0)
}

function isOurs(pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return stat.includes('(workerd)') && Number(ppid) === process.pid && state !== 'Z'
  } catch {
    return false // it ended meanwhile
  }
}
