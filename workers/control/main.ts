import { makeApp } from './app.ts'
import type { Env } from './env.ts'
import { attempt, reasonOf } from './jobs.ts'
import type { Deps, EnvironmentScope, Publishers } from './ports.ts'
import { pruneHistory } from './publication/prune.ts'
import { makeReceiptReader } from './publication/receipts.ts'
import { sweepAll } from './publication/sweep.ts'
import { verifyWaiting } from './publication/verify.ts'
import { openDatabase, type Database } from './store/database.ts'
import { cleanUsage } from './usage/clean-usage.ts'
import { consumeUsage } from './usage/consume.ts'

export { Publisher } from './publication/publisher.ts'

let isRoleSafe = false

export default {
  async fetch(request, env, ctx) {
    const later = (work: Promise<unknown>) => ctx.waitUntil(work)
    const deps = makeDeps(env, later)
    try {
      await refuseUnsafeRole(deps.db)
    } catch (error) {
      console.error(JSON.stringify({ event: 'not_serving', error: String(error) }))
      return new Response(String(error), { status: 503 })
    }
    return makeApp(deps, later).fetch(request)
  },

  /** Every minute: publishes what was left behind, verifies what was published. Daily: audit partitions, history, usage. */
  async scheduled({ cron, scheduledTime }, env, ctx) {
    const { db } = makeDeps(env, (work) => ctx.waitUntil(work))
    if (cron === dailyCron) {
      const day = new Date(scheduledTime)
      await attempt('audit_partitions', () => db.ensureAuditPartitions(day, 3))
      await attempt('prune_history', () => pruneHistory(db, Date.now))
      await attempt('clean_usage', () => cleanUsage(db, day))
      return
    }
    const sweep = (scope: EnvironmentScope) => env.PUBLISHERS.getByName(scope.environmentId).sweep(scope)
    await Promise.all([
      attempt('sweep', () => sweepAll({ claim: db.claimOutbox, sweep })),
      attempt('verify', () => verifyWaiting(db, Date.now)),
    ])
  },

  /** Events and usage from the edge. */
  async queue({ messages }, env, ctx) {
    const { db, nowMs } = makeDeps(env, (work) => ctx.waitUntil(work))
    await refuseUnsafeRole(db)
    await consumeUsage(messages, { db, nowMs, report: reportUncounted })
  },
} satisfies ExportedHandler<Env>

const dailyCron = '17 3 * * *'

function makeDeps(env: Env, waitUntil: (work: Promise<unknown>) => void): Deps {
  return {
    db: openDatabase({ url: env.DATABASE_URL, gateway: env.NEON_GATEWAY, waitUntil }),
    publishers: makePublishers(env, waitUntil),
    nowMs: Date.now,
    checkSecret: env.ID_CHECK_SECRET,
    readReceipts: makeReceiptReader(env.HUB),
  }
}

function makePublishers(env: Env, waitUntil: (work: Promise<unknown>) => void): Publishers {
  return {
    async arm(scope) {
      const publisher = env.PUBLISHERS.getByName(scope.environmentId)
      const change = crypto.randomUUID()
      await publisher.arm(scope, change)
      return {
        go: () => waitUntil(publisher.go(change)),
        release: () => waitUntil(publisher.release(change)),
      }
    },
  }
}

function reportUncounted(error: unknown): void {
  console.error(JSON.stringify({ event: 'usage_not_counted', error: reasonOf(error) }))
}

/** Once an isolate: a role that could read past row security must not serve. */
async function refuseUnsafeRole(db: Database): Promise<void> {
  if (isRoleSafe) return
  await db.checkRole()
  isRoleSafe = true
}
