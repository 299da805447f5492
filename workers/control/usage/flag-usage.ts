import { eq } from 'drizzle-orm'
import type { FlagUsage } from '@halyard/shared/contract/usage-endpoints.ts'
import type { Actor, Deps } from '../ports.ts'
import { flags } from '../store/schema.ts'
import { selectLastUsage, selectUsage, type UsageRow } from '../store/select-usage.ts'
import { selectEnvironments, selectFlags, selectProject, type EnvironmentPath } from '../store/select.ts'
import { found } from '../usecases/find.ts'
import { readSpan, toTime, type AskedSpan } from './usage-span.ts'

export interface UsageQuestion extends EnvironmentPath, AskedSpan {
  readonly key: string
}

/** How often each variant of a flag was given. */
export async function readFlagUsage(
  { db, nowMs }: Pick<Deps, 'db' | 'nowMs'>,
  { orgId }: Actor,
  question: UsageQuestion,
): Promise<FlagUsage> {
  const { project, environment: named, key, by } = question
  const span = readSpan(question, nowMs())
  const [projects, environments, rows] = await db.read(orgId, (read) => [
    selectProject(read, orgId, project),
    selectEnvironments(read, orgId, project, named),
    selectFlags(read, orgId, project, eq(flags.key, key)),
  ])
  found(projects[0], 'project_not_found')
  const environment = found(environments[0], 'environment_not_found')
  const place = { orgId, environmentId: environment.id, flagId: found(rows[0], 'flag_not_found').id }
  const [points, [last]] = await db.read(orgId, (read) => [
    selectUsage(read, place, { ...span, by }),
    selectLastUsage(read, place),
  ])
  return {
    key,
    environment: environment.key,
    from: span.from.toISOString(),
    to: span.to.toISOString(),
    by,
    ...total(points),
    lastEvaluatedAt: toTime(last?.evaluatedSec),
    lastDeliveredAt: toTime(last?.deliveredSec),
    variants: byVariant(points),
    points: points.map(({ atSec, variant, evaluations, deliveries }) => ({
      at: toTime(atSec),
      variant: variant === '' ? null : variant,
      evaluations,
      deliveries,
    })),
  }
}

function total(points: readonly UsageRow[]) {
  return {
    evaluations: points.reduce((sum, row) => sum + row.evaluations, 0),
    deliveries: points.reduce((sum, row) => sum + row.deliveries, 0),
  }
}

function byVariant(points: readonly UsageRow[]): FlagUsage['variants'] {
  const names = [...new Set(points.map(({ variant }) => variant))].toSorted()
  return names.map((name) => ({
    variant: name === '' ? null : name,
    ...total(points.filter(({ variant }) => variant === name)),
  }))
}
