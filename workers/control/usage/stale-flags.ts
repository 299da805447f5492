import type * as z from 'zod'
import type { StaleFlag, usageEndpoints } from '@halyard/shared/contract/usage-endpoints.ts'
import { readCursor, toPage } from '../http/page.ts'
import type { Actor, Deps } from '../ports.ts'
import { selectStale, selectStaleSummary, type StaleRow, type StaleSummary } from '../store/select-stale.ts'
import { selectEnvironments, selectProject, type EnvironmentPath } from '../store/select.ts'
import { found } from '../usecases/find.ts'
import { toTime } from './usage-span.ts'

type StaleFlags = z.output<typeof usageEndpoints.listStaleFlags.result>

export interface StaleQuestion extends EnvironmentPath {
  readonly cursor?: string | undefined
  readonly limit: number
}

const dayMs = 86_400_000
const days = 30

/** The flags of an environment that may have done their work, and why. */
export async function listStaleFlags(
  { db, nowMs }: Pick<Deps, 'db' | 'nowMs'>,
  { orgId }: Actor,
  { project, environment: named, cursor, limit }: StaleQuestion,
): Promise<StaleFlags> {
  const [projects, environments] = await db.read(orgId, (read) => [
    selectProject(read, orgId, project),
    selectEnvironments(read, orgId, project, named),
  ])
  found(projects[0], 'project_not_found')
  const environment = found(environments[0], 'environment_not_found')
  const now = nowMs()
  const asked = {
    orgId,
    projectId: environment.projectId,
    environmentId: environment.id,
    now: new Date(now),
    since: new Date((Math.floor(now / dayMs) - days) * dayMs),
  }
  const after = readCursor(cursor)
  const [stale, summary] = await db.read(orgId, (read) => [
    selectStale(read, asked, { after, limit: limit + 1 }),
    selectStaleSummary(read, asked),
  ])
  const [facts] = summary.rows as unknown as readonly [StaleSummary] // one row, as the query names its columns
  return {
    ...toPage(stale.rows as unknown as readonly StaleRow[], limit, {
      item: toStaleFlag,
      cursor: ({ key }) => key,
    }), // as above
    environment: environment.key,
    observedSince: toTime(facts.observed_sec),
    leftOut: { permanent: facts.permanent, young: facts.young },
  }
}

function toStaleFlag(row: StaleRow): StaleFlag {
  return {
    key: row.key,
    name: row.name,
    kind: row.kind,
    createdAt: new Date(row.created_sec * 1000).toISOString(),
    lastEvaluatedAt: toTime(row.evaluated_sec),
    lastDeliveredAt: toTime(row.delivered_sec),
    reasons: reasonsOf(row),
  }
}

function reasonsOf(row: StaleRow): StaleFlag['reasons'] {
  const expired = `its moment, ${toTime(row.expires_sec)}, has passed`
  const unused = `for ${days} days it was neither evaluated nor delivered`
  const oneVariant = `for ${days} days it gave everybody "${row.variant}"`
  return [
    ...(row.is_expired ? [{ code: 'expired' as const, detail: expired }] : []),
    ...(row.is_unused ? [{ code: 'unused' as const, detail: unused }] : []),
    ...(row.has_one_variant ? [{ code: 'one_variant' as const, detail: oneVariant }] : []),
  ]
}
