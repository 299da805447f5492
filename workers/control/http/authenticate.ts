import { eq, and, sql } from 'drizzle-orm'
import { createMiddleware } from 'hono/factory'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { parseKey } from '@halyard/shared/protocol/keys.ts'
import type { Actor, Deps } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import type { FoundKey } from '../store/database.ts'
import { apiKeys } from '../store/schema.ts'
import type { AppEnv } from './app-env.ts'

/** Finds out who asks, by the management token of the request. */
export const authenticate = createMiddleware<AppEnv>(async (c, next) => {
  const token = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
  if (token === undefined) {
    throw new ProblemError('unauthenticated', {
      detail: 'send Authorization: Bearer hyd_svc_…',
      headers: { 'www-authenticate': 'Bearer' },
    })
  }
  const deps = c.var.deps
  const key = await findManagementKey(deps, token)
  c.set('actor', toActor(key, c.var.requestId))
  c.var.later(noteUse(deps, key))
  await next()
})

async function findManagementKey(deps: Deps, token: string): Promise<FoundKey> {
  const parsed = parseKey(token)
  if (!parsed) throw new ProblemError('malformed_key')
  if (parsed.class !== 'management') {
    throw new ProblemError('wrong_key_class', {
      detail: `a ${parsed.class} key works at the edge only; this is the management API`,
    })
  }
  const key = await deps.db.findKey(await sha256Hex(token))
  if (!key || key.class !== 'management' || key.revoked_at !== null) throw new ProblemError('unknown_key')
  if (key.expires_at !== null && Date.parse(key.expires_at) <= deps.nowMs())
    throw new ProblemError('unknown_key')
  return key
}

function toActor(key: FoundKey, requestId: string): Actor {
  return {
    keyId: key.id,
    orgId: key.org_id,
    orgKey: key.org_key,
    role: key.role ?? 'viewer',
    project:
      key.project_id !== null && key.project_key !== null
        ? { id: key.project_id, key: key.project_key }
        : null,
    environment:
      key.environment_id !== null && key.environment_key !== null
        ? { id: key.environment_id, key: key.environment_key }
        : null,
    requestId,
    idempotency: null,
  }
}

/** Once a day and key: when it was last used. A failure costs only that note. */
async function noteUse({ db, nowMs }: Deps, key: FoundKey): Promise<void> {
  const today = new Date(nowMs()).toISOString().slice(0, 10)
  if (key.last_used_on !== null && String(key.last_used_on).slice(0, 10) >= today) return
  try {
    await db.write(key.org_id, (tx) =>
      tx
        .update(apiKeys)
        .set({ lastUsedOn: sql`${today}::date` })
        .where(and(eq(apiKeys.orgId, key.org_id), eq(apiKeys.id, key.id))),
    )
  } catch (error) {
    console.warn(JSON.stringify({ event: 'last_used_not_noted', key: key.id, error: String(error) }))
  }
}
