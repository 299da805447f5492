import type { Metric, MetricPoints, Metrics } from '@halyard/shared/contract/metric-endpoints.ts'
import { readCursor, toPage } from '../http/page.ts'
import type { Actor, Deps } from '../ports.ts'
import {
  selectFull,
  selectMetric,
  selectMetricPoints,
  selectMetrics,
  type MetricPointRow,
  type MetricRow,
} from '../store/select-metrics.ts'
import { selectEnvironments, selectProject, type EnvironmentPath } from '../store/select.ts'
import { found } from '../usecases/find.ts'
import { readSpan, toTime, type AskedSpan } from './usage-span.ts'

interface MetricsQuestion extends EnvironmentPath, Omit<AskedSpan, 'by'> {
  readonly cursor?: string | undefined
  readonly limit: number
}

interface MetricQuestion extends EnvironmentPath, AskedSpan {
  readonly name: string
}

type Reading = Pick<Deps, 'db' | 'nowMs'>

/** What applications tracked in an environment, with how often within a span. */
export async function listMetrics(deps: Reading, actor: Actor, question: MetricsQuestion): Promise<Metrics> {
  const { limit } = question
  const span = readSpan({ ...question, by: 'day' }, deps.nowMs())
  const page = { ...span, after: readCursor(question.cursor), most: limit + 1 }
  const { place, environment } = await readPlace(deps, actor, question)
  const [listed, full] = await deps.db.read(actor.orgId, (read) => [
    selectMetrics(read, place, page),
    selectFull(read, place),
  ])
  const rows = listed.rows as unknown as readonly MetricRow[] // as the query names its columns
  return {
    ...toPage(rows, limit, { item: toMetric, cursor: ({ name }) => name }),
    environment,
    from: span.from.toISOString(),
    to: span.to.toISOString(),
    full: (full.rows as unknown as readonly { source: 'server' | 'client' }[]).map(({ source }) => source), // likewise
  }
}

/** How often one of them happened, by the hour or day. */
export async function readMetric(
  deps: Reading,
  actor: Actor,
  question: MetricQuestion,
): Promise<MetricPoints> {
  const { name, by } = question
  const span = readSpan(question, deps.nowMs())
  const { place, environment } = await readPlace(deps, actor, question)
  const [sources, points] = await deps.db.read(actor.orgId, (read) => [
    selectMetric(read, place, name),
    selectMetricPoints(read, { ...place, name }, { ...span, by }),
  ])
  found(sources[0], 'metric_not_found')
  return {
    name,
    environment,
    from: span.from.toISOString(),
    to: span.to.toISOString(),
    by,
    ...totalOf(points),
    lastAt: toTime(Math.max(...sources.map(({ lastSec }) => lastSec))),
    sources: sources.map(({ source, lastSec }) => ({
      source,
      ...totalOf(points.filter((point) => point.source === source)),
      lastAt: toTime(lastSec),
    })),
    points: points.map(({ atSec, source, count, sum }) => ({ at: toTime(atSec), source, count, sum })),
  }
}

async function readPlace(
  { db }: Reading,
  { orgId }: Actor,
  { project, environment: named }: EnvironmentPath,
) {
  const [projects, environments] = await db.read(orgId, (read) => [
    selectProject(read, orgId, project),
    selectEnvironments(read, orgId, project, named),
  ])
  found(projects[0], 'project_not_found')
  const environment = found(environments[0], 'environment_not_found')
  return { place: { orgId, environmentId: environment.id }, environment: environment.key }
}

function toMetric({ name, count, sum, lastSec, sources }: MetricRow): Metric {
  return { name, count, sum, lastAt: toTime(lastSec), sources: [...sources] }
}

/** The sum is null where no point has one. */
function totalOf(points: readonly MetricPointRow[]): { count: number; sum: number | null } {
  const sums = points.flatMap(({ sum }) => sum ?? [])
  return {
    count: points.reduce((all, { count }) => all + count, 0),
    sum: sums.length === 0 ? null : sums.reduce((all, sum) => all + sum, 0),
  }
}
