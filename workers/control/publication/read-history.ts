import { and, desc, eq, lte, max, or, lt } from 'drizzle-orm'
import { compareVersions, type Version } from '@halyard/shared/protocol/version.ts'
import type { EnvironmentScope, HistoryRow } from '../ports.ts'
import type { Database, ReadDb } from '../store/database.ts'
import { environments, stateHistory } from '../store/schema.ts'

export interface CommittedState {
  readonly environment: typeof environments.$inferSelect
  readonly at: Version
  readonly rows: readonly HistoryRow[]
}

/** The newest committed state of an environment, read in one transaction. `null` if there is no such environment. */
export async function readCommitted(
  db: Database,
  { orgId, environmentId }: EnvironmentScope,
): Promise<CommittedState | null> {
  const [[environment], rows] = await db.read(orgId, (read) => [
    read
      .select()
      .from(environments)
      .where(and(eq(environments.orgId, orgId), eq(environments.id, environmentId))),
    selectHistory(read, { orgId, environmentId }),
  ])
  return environment
    ? { environment, at: { epoch: environment.epoch, version: environment.version }, rows }
    : null
}

/** The state of an environment at a version, read in one transaction. `null` if it never was at that version. */
export async function readVersion(
  db: Database,
  scope: EnvironmentScope,
  at: Version,
): Promise<CommittedState | null> {
  const { orgId, environmentId } = scope
  const [[environment], [last], rows] = await db.read(orgId, (read) => [
    read
      .select()
      .from(environments)
      .where(and(eq(environments.orgId, orgId), eq(environments.id, environmentId))),
    read
      .select({ version: max(stateHistory.version) })
      .from(stateHistory)
      .where(
        and(
          eq(stateHistory.orgId, orgId),
          eq(stateHistory.environmentId, environmentId),
          eq(stateHistory.epoch, at.epoch),
        ),
      ),
    selectHistory(read, scope, at),
  ])
  if (!environment || at.version < 1 || compareVersions(at, environment) > 0) return null
  // Of an earlier epoch only history says how far it came.
  const isKnown = at.epoch === environment.epoch || at.version <= (last?.version ?? 0)
  return isKnown ? { environment, at, rows } : null
}

/** The newest row of each object, at or below a version if one is given. */
export function selectHistory(read: ReadDb, { orgId, environmentId }: EnvironmentScope, at?: Version) {
  const { epoch, version, kind, objectId, state } = stateHistory
  return read
    .selectDistinctOn([kind, objectId], { kind, objectId, state })
    .from(stateHistory)
    .where(
      and(
        eq(stateHistory.orgId, orgId),
        eq(stateHistory.environmentId, environmentId),
        at && or(lt(epoch, at.epoch), and(eq(epoch, at.epoch), lte(version, at.version))),
      ),
    )
    .orderBy(kind, objectId, desc(epoch), desc(version))
}
