import { makeApp } from './app.ts'
import type { Env } from './env.ts'
import type { Deps, EnvironmentScope, Publishers } from './ports.ts'
import { pruneHistory } from './publication/prune.ts'
import { makeReceiptReader } from './publication/receipts.ts'
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
  async scheduled(controller, env, ctx) {
    const { db } = makeDeps(env, (work) => ctx.waitUntil(work))
    if (controller.cron === dailyCron) {
      await db.ensureAuditPartitions(new Date(controller.scheduledTime), 3)
      await pruneHistory(db, Date.now)
      await cleanUsage(db, new Date(controller.scheduledTime))
      return
    }
    await sweepAll(env, db)
    await verifyWaiting(db, Date.now)
  },

  /** Events and usage from the edge. */
  async queue({ messages }, env, ctx) {
    const { db, nowMs } = makeDeps(env, (work) => ctx.waitUntil(work))
    await refuseUnsafeRole(db)
    await consumeUsage(messages, { db, nowMs, report: reportUncounted })
  },
} satisfies ExportedHandler<Env>

const dailyCron = '17 3 * * *'
const sweepRoundsMax = 10

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

/** Round after round: when an installation is unfrozen, all of its environments wait at once. */
async function sweepAll(env: Env, db: Database): Promise<void> {
  for (let round = 0; round < sweepRoundsMax; round++) {
    const waiting = await db.claimOutbox(100) // oxlint-disable-line no-await-in-loop -- the next round takes what this one left
    if (waiting.length === 0) return
    const scopes = waiting.map((row) => ({ orgId: row.org_id, environmentId: row.environment_id }))
    await Promise.all(scopes.map((scope) => sweep(env, scope))) // oxlint-disable-line no-await-in-loop -- the same
  }
}

/** One environment that cannot be swept keeps no other from being. */
async function sweep(env: Env, scope: EnvironmentScope): Promise<void> {
  try {
    await env.PUBLISHERS.getByName(scope.environmentId).sweep(scope)
  } catch (error) {
    console.error(JSON.stringify({ event: 'sweep_failed', ...scope, error: String(error) })) // claimed again later
  }
}

function reportUncounted(error: unknown): void {
  console.error(JSON.stringify({ event: 'usage_not_counted', error: String(error) }))
}

/** Once an isolate: a role that could read past row security must not serve. */
async function refuseUnsafeRole(db: Database): Promise<void> {
  if (isRoleSafe) return
  await db.checkRole()
  isRoleSafe = true
}
