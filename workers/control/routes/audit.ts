import { and, desc, eq, lt } from 'drizzle-orm'
import { Hono } from 'hono'
import { api } from '../../../shared/contract/api.ts'
import type { AuditEntry } from '../../../shared/contract/resources.ts'
import type { AppEnv } from '../http/app-env.ts'
import { readCursor, toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { auditEntries } from '../store/schema.ts'

/** The audit of an organization, as far as the token reaches. */
export function auditRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.listAudit, async ({ deps, actor, query }) => {
    const before = Number(readCursor(query.cursor) ?? Number.MAX_SAFE_INTEGER)
    const project = actor.project?.key ?? query.project
    const [rows] = await deps.db.read(actor.orgId, (db) => [
      db
        .select()
        .from(auditEntries)
        .where(
          and(
            eq(auditEntries.orgId, actor.orgId),
            lt(auditEntries.sequence, Number.isSafeInteger(before) ? Math.min(before, 2 ** 31 - 1) : 0),
            project === undefined ? undefined : eq(auditEntries.project, project),
            query.flag === undefined ? undefined : eq(auditEntries.resource, `flag/${query.flag}`),
          ),
        )
        .orderBy(desc(auditEntries.sequence))
        .limit(query.limit + 1),
    ])
    return { result: toPage(rows, query.limit, { item: toEntry, cursor: (row) => String(row.sequence) }) }
  })

  return app
}

function toEntry(stored: typeof auditEntries.$inferSelect): AuditEntry {
  const { orgId: _orgId, time, before, after, ...row } = stored
  return {
    ...row,
    time: time.toISOString(),
    before: before as AuditEntry['before'],
    after: after as AuditEntry['after'],
  } // both are JSON, without readonly
}
