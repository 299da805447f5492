/** The selections of versions, with what was published of each and the change that made it. */
import { and, desc, eq, getTableColumns, type SQL } from 'drizzle-orm'
import type { EnvironmentScope } from '../ports.ts'
import { environmentVersions } from './publication-schema.ts'
import { auditEntries, heads } from './schema.ts'
import type { Selecting } from './select.ts'

export type VersionRow = Awaited<ReturnType<typeof selectVersions>>[number]

/** Versions of an environment, the newest first. */
export function selectVersions(db: Selecting, scope: EnvironmentScope, condition?: SQL) {
  const { orgId, environmentId, epoch, version, auditSequence } = environmentVersions
  return db
    .select({
      ...getTableColumns(environmentVersions),
      action: auditEntries.action,
      resource: auditEntries.resource,
      comment: auditEntries.comment,
      head: getTableColumns(heads),
    })
    .from(environmentVersions)
    .leftJoin(
      heads,
      and(
        eq(heads.orgId, orgId),
        eq(heads.environmentId, environmentId),
        eq(heads.epoch, epoch),
        eq(heads.version, version),
      ),
    )
    .leftJoin(auditEntries, and(eq(auditEntries.orgId, orgId), eq(auditEntries.sequence, auditSequence)))
    .where(and(eq(orgId, scope.orgId), eq(environmentId, scope.environmentId), condition))
    .orderBy(desc(epoch), desc(version))
}
