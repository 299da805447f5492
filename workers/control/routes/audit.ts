import { and, desc, eq, isNull, lt, or } from 'drizzle-orm'
import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AuditEntry } from '@halyard/shared/contract/resources.ts'
import type { AppEnv } from '../http/app-env.ts'
import { badCursor, readCursor, toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { ProblemError } from '../problem.ts'
import { auditEntries } from '../store/schema.ts'

/** The largest integer of the column. */
const sequenceMax = 2 ** 31 - 1

/** The audit of an organization, as far as the token reaches. */
export function auditRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.listAudit, async ({ deps, actor, query }) => {
    const before = readSequence(query.cursor)
    const project = actor.project?.key ?? query.project
    const environment = actor.environment?.key
    if (query.project !== undefined && query.project !== project) throw new ProblemError('project_not_found')
    const [rows] = await deps.db.read(actor.orgId, (db) => [
      db
        .select()
        .from(auditEntries)
        .where(
          and(
            eq(auditEntries.orgId, actor.orgId),
            before === undefined ? undefined : lt(auditEntries.sequence, before),
            project === undefined ? undefined : eq(auditEntries.project, project),
            // What concerns no single environment concerns this one too.
            environment === undefined
              ? undefined
              : or(isNull(auditEntries.environment), eq(auditEntries.environment, environment)),
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

/** The cursor of the audit is a sequence number. */
function readSequence(cursor: string | undefined): number | undefined {
  const text = readCursor(cursor)
  if (text === undefined) return undefined
  const sequence = Number(text)
  if (!/^\d{1,10}$/.test(text) || sequence > sequenceMax) throw badCursor()
  return sequence
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
