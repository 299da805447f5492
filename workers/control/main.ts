import { makeApp } from './app.ts'
import type { Env } from './env.ts'
import type { Deps, EnvironmentScope, Publishers } from './ports.ts'
import { openDatabase, type Database } from './store/database.ts'

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

  /** Every minute: publishes what was left behind. Daily: keeps three months of audit partitions ahead. */
  async scheduled(controller, env, ctx) {
    const { db } = makeDeps(env, (work) => ctx.waitUntil(work))
    if (controller.cron === dailyCron) {
      await db.ensureAuditPartitions(new Date(controller.scheduledTime), 3)
      return
    }
    const waiting = await db.claimOutbox(100)
    await Promise.all(
      waiting.map((row) => sweep(env, { orgId: row.org_id, environmentId: row.environment_id })),
    )
  },
} satisfies ExportedHandler<Env>

const dailyCron = '17 3 * * *'

function makeDeps(env: Env, waitUntil: (work: Promise<unknown>) => void): Deps {
  return {
    db: openDatabase({ url: env.DATABASE_URL, gateway: env.NEON_GATEWAY, waitUntil }),
    publishers: makePublishers(env, waitUntil),
    nowMs: Date.now,
    checkSecret: env.ID_CHECK_SECRET,
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

async function sweep(env: Env, scope: EnvironmentScope): Promise<void> {
  await env.PUBLISHERS.getByName(scope.environmentId).sweep(scope)
}

/** Once an isolate: a role that could read past row security must not serve. */
async function refuseUnsafeRole(db: Database): Promise<void> {
  if (isRoleSafe) return
  await db.checkRole()
  isRoleSafe = true
}
