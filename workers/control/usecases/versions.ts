/** The versions of an environment: what each changed, what was published of it, and who had it when. */
import { and, eq } from 'drizzle-orm'
import type {
  ObjectChange,
  VersionDetail,
  VersionSummary,
} from '@halyard/shared/contract/version-endpoints.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import { compareVersions, formatVersion, type Version } from '@halyard/shared/protocol/version.ts'
import type { Actor, Deps, EnvironmentScope } from '../ports.ts'
import {
  isBefore,
  missingVersion,
  selectChanged,
  selectHistory,
  selectVersion,
} from '../publication/read-history.ts'
import { environmentVersions } from '../store/publication-schema.ts'
import { selectVersions, type VersionRow } from '../store/select-versions.ts'
import { selectEnvironments, selectProject } from '../store/select.ts'
import type { EnvironmentRow } from './change.ts'
import { missingProblem, wantedVersion } from './find-version.ts'
import { found } from './find.ts'
import { versionChanges } from './version-changes.ts'

interface EnvironmentPath {
  readonly project: string
  readonly environment: string
}

/** The environment outside of a change. */
export async function findPlace(deps: Deps, { orgId }: Actor, at: EnvironmentPath) {
  const [projects, environments] = await deps.db.read(orgId, (db) => [
    selectProject(db, orgId, at.project),
    selectEnvironments(db, orgId, at.project, at.environment),
  ])
  found(projects[0], 'project_not_found')
  const environment = found(environments[0], 'environment_not_found')
  return { environment, scope: { orgId, environmentId: environment.id } }
}

/** One version in full, compared with the one before or with the one that is named. */
export async function readVersionDetail(
  deps: Deps,
  actor: Actor,
  command: EnvironmentPath & { version: string; compare?: string | undefined },
): Promise<VersionDetail> {
  const { environment, scope } = await findPlace(deps, actor, command)
  const at = wantedVersion(command.version)
  const named = command.compare === undefined ? undefined : wantedVersion(command.compare)
  const [rows, [previous], [other]] = await deps.db.read(actor.orgId, (db) => [
    selectVersions(db, scope, isVersion(at)),
    selectVersions(db, scope, isBefore(environmentVersions, at)).limit(1),
    selectVersion(db, scope, named ?? at),
  ])
  const row = kept(rows[0], environment, at)
  const base = named ? kept(other, environment, named) : previous
  const changes = base || isFirst(environment) ? await changesBetween(deps, scope, { base, at }) : null
  return {
    ...toSummary(row),
    comparedTo: base ? formatVersion(base) : null,
    changes: changes && changes.slice(0, limits.changesShown),
    changeCount: changes && changes.length,
    ...toPublished(row),
    receipts: row.head ? await readReceipts(deps, scope, at) : null,
  }
}

export function toSummary(row: VersionRow): VersionSummary {
  const { head } = row
  return {
    version: formatVersion(row),
    createdAt: row.createdAt.toISOString(),
    actor: row.actor,
    action: row.action,
    resource: row.resource,
    comment: row.comment,
    isPublished: head !== null,
    publishedAt: head?.publishedAt.toISOString() ?? null,
    size: head?.size ?? null,
  }
}

/** Nothing of it was dropped yet: what comes first there was made of nothing. */
function isFirst({ historyEpoch, historyVersion }: EnvironmentRow): boolean {
  return historyEpoch === 1 && historyVersion === 1
}

function kept<Row>(row: Row | undefined, environment: EnvironmentRow, at: Version): Row {
  const missing = missingVersion(environment, at, row !== undefined)
  if (row === undefined || missing) throw missingProblem(missing ?? 'never', environment, at)
  return row
}

function isVersion({ epoch, version }: Version) {
  return and(eq(environmentVersions.epoch, epoch), eq(environmentVersions.version, version))
}

async function changesBetween(
  { db }: Deps,
  scope: EnvironmentScope,
  { base, at }: { readonly base: Version | undefined; readonly at: Version },
): Promise<ObjectChange[]> {
  if (!base) {
    const [rows] = await db.read(scope.orgId, (read) => [selectHistory(read, scope, at)])
    return versionChanges([], rows)
  }
  const isForward = compareVersions(base, at) <= 0
  const [from, to] = isForward ? [base, at] : [at, base]
  const [before, after] = await db.read(scope.orgId, (read) => [
    selectChanged(read, scope, { from, to, at: base }),
    selectChanged(read, scope, { from, to, at }),
  ])
  return versionChanges(before, after)
}

function toPublished({ head }: VersionRow): Pick<VersionDetail, 'head' | 'verification'> {
  if (!head) return { head: null, verification: null }
  const { snapshotHash, accessHash, clientHash, size, compiler, kid, verifiedAt, verification } = head
  return {
    head: { snapshotHash, accessHash, clientHash, size, compiler, kid },
    verification: verifiedAt && {
      verifiedAt: verifiedAt.toISOString(),
      outcome: verification ?? 'unknown', // nothing to compare it with
    },
  }
}

async function readReceipts(deps: Deps, { environmentId }: EnvironmentScope, at: Version) {
  const receipts = await deps.readReceipts(environmentId, formatVersion(at))
  return (
    receipts && receipts.map(({ relay, ackedAt }) => ({ relay, ackedAt: new Date(ackedAt).toISOString() }))
  )
}
