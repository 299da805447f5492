import { and, desc, eq, gt, lt, lte, or, sql } from 'drizzle-orm'
import { compareVersions, type Version } from '@halyard/shared/protocol/version.ts'
import type { EnvironmentScope, HistoryRow } from '../ports.ts'
import type { Database, ReadDb } from '../store/database.ts'
import { environmentVersions } from '../store/publication-schema.ts'
import { environments, stateHistory } from '../store/schema.ts'

export interface CommittedState {
  readonly environment: typeof environments.$inferSelect
  readonly at: Version
  readonly rows: readonly HistoryRow[]
}

/** Why a version cannot be rebuilt: it never was, or is older than what history keeps. */
export type Missing = 'never' | 'not_kept'

/** The newest committed state of an environment, read in one transaction. `null` if there is no such environment. */
export async function readCommitted(
  db: Database,
  { orgId, environmentId }: EnvironmentScope,
): Promise<CommittedState | null> {
  const [[environment], rows] = await db.read(orgId, (read) => [
    selectEnvironment(read, { orgId, environmentId }),
    selectHistory(read, { orgId, environmentId }),
  ])
  return environment
    ? { environment, at: { epoch: environment.epoch, version: environment.version }, rows }
    : null
}

/** The state of an environment at a version, published or not, read in one transaction; or why there is none. */
export async function readVersion(
  db: Database,
  scope: EnvironmentScope,
  at: Version,
): Promise<CommittedState | Missing> {
  const [[environment], [known], rows] = await db.read(scope.orgId, (read) => [
    selectEnvironment(read, scope),
    selectVersion(read, scope, at),
    selectHistory(read, scope, at),
  ])
  if (!environment) return 'never'
  return missingVersion(environment, at, known !== undefined) ?? { environment, at, rows }
}

/** Why a version cannot be rebuilt, given whether it is among those that are kept; null if it can. */
export function missingVersion(
  environment: CommittedState['environment'],
  at: Version,
  isKnown: boolean,
): Missing | null {
  const oldest = { epoch: environment.historyEpoch, version: environment.historyVersion }
  if (at.epoch >= 1 && at.version >= 1 && compareVersions(at, oldest) < 0) return 'not_kept'
  return isKnown && compareVersions(at, environment) <= 0 ? null : 'never'
}

/** The newest row of each object, at or below a version if one is given. */
export function selectHistory(
  read: Pick<ReadDb, 'selectDistinctOn'>,
  { orgId, environmentId }: EnvironmentScope,
  at?: Version,
) {
  const { epoch, version, kind, objectId, state } = stateHistory
  return read
    .selectDistinctOn([kind, objectId], { kind, objectId, state })
    .from(stateHistory)
    .where(
      and(
        eq(stateHistory.orgId, orgId),
        eq(stateHistory.environmentId, environmentId),
        at && isNotAfter(stateHistory, at),
      ),
    )
    .orderBy(kind, objectId, desc(epoch), desc(version))
}

/** The same of the objects alone that a version between two others changed: after the first, up to the second. */
export function selectChanged(
  read: ReadDb,
  scope: EnvironmentScope,
  { from, to, at }: { readonly from: Version; readonly to: Version; readonly at: Version },
) {
  const { orgId, environmentId, kind, objectId, epoch, version, state } = stateHistory
  const inPlace = and(eq(orgId, scope.orgId), eq(environmentId, scope.environmentId))
  const changed = read
    .selectDistinct({ kind, objectId })
    .from(stateHistory)
    .where(and(inPlace, isAfter(stateHistory, from), isNotAfter(stateHistory, to)))
  return read
    .selectDistinctOn([kind, objectId], { kind, objectId, state })
    .from(stateHistory)
    .where(and(inPlace, isNotAfter(stateHistory, at), sql`(${kind}, ${objectId}) in ${changed}`))
    .orderBy(kind, objectId, desc(epoch), desc(version))
}

/** The row of one version. */
export function selectVersion(read: Pick<ReadDb, 'select'>, scope: EnvironmentScope, at: Version) {
  return read
    .select()
    .from(environmentVersions)
    .where(
      and(
        eq(environmentVersions.orgId, scope.orgId),
        eq(environmentVersions.environmentId, scope.environmentId),
        eq(environmentVersions.epoch, at.epoch),
        eq(environmentVersions.version, at.version),
      ),
    )
}

type Versioned = typeof stateHistory | typeof environmentVersions

/** Rows of a version and of those before it. */
function isNotAfter({ epoch, version }: Versioned, at: Version) {
  return or(lt(epoch, at.epoch), and(eq(epoch, at.epoch), lte(version, at.version)))
}

/** Rows of versions before one. */
export function isBefore({ epoch, version }: Versioned, at: Version) {
  return or(lt(epoch, at.epoch), and(eq(epoch, at.epoch), lt(version, at.version)))
}

function isAfter({ epoch, version }: Versioned, at: Version) {
  return or(gt(epoch, at.epoch), and(eq(epoch, at.epoch), gt(version, at.version)))
}

function selectEnvironment(read: Pick<ReadDb, 'select'>, { orgId, environmentId }: EnvironmentScope) {
  return read
    .select()
    .from(environments)
    .where(and(eq(environments.orgId, orgId), eq(environments.id, environmentId)))
}
