import { eq } from 'drizzle-orm'
import type { FlagUsage } from '@halyard/shared/contract/usage-endpoints.ts'
import type { Actor, Deps } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import { flags } from '../store/schema.ts'
import { selectLastUsage, selectUsage, type UsageRow } from '../store/select-usage.ts'
import { selectEnvironments, selectFlags, selectProject, type EnvironmentPath } from '../store/select.ts'
import { found } from '../usecases/find.ts'
import { hourDays, rollUpDays } from './clean-usage.ts'

export interface UsageQuestion extends EnvironmentPath {
  readonly key: string
  /** RFC 3339. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly by: 'hour' | 'day'
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const unitMs = { hour: hourMs, day: dayMs }
const daysMax = { hour: 7, day: rollUpDays }
const daysDefault = { hour: 7, day: 30 }

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
      at: new Date(atSec * 1000).toISOString(),
      variant: variant === '' ? null : variant,
      evaluations,
      deliveries,
    })),
  }
}

/** A moment in seconds as the API shows it. */
export function toTime(sec: number | null | undefined): string | null {
  return sec === null || sec === undefined ? null : new Date(sec * 1000).toISOString()
}

/** From the start of an hour or day. */
function readSpan({ from, to, by }: UsageQuestion, now: number): { from: Date; to: Date } {
  const end = to === undefined ? now : Date.parse(to)
  const oldest = by === 'hour' ? now - hourDays * dayMs : -Infinity
  const asked = from === undefined ? Math.max(end - daysDefault[by] * dayMs, oldest) : Date.parse(from)
  for (const [pointer, moment] of Object.entries({ from: asked, to: end }))
    if (moment < oldest)
      throw wrong(pointer, `is more than ${hourDays} days ago: by the hour no more is kept`)
  if (asked >= end) throw wrong('from', 'is not before `to`')
  if (end - asked > daysMax[by] * dayMs)
    throw wrong('from', `is more than ${daysMax[by]} days before \`to\`: by the ${by} no more is answered`)
  return { from: new Date(Math.floor(asked / unitMs[by]) * unitMs[by]), to: new Date(end) }
}

function wrong(pointer: string, detail: string): ProblemError {
  return new ProblemError('invalid_input', { errors: [{ pointer, detail }] })
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
