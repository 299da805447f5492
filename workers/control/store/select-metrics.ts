/** What applications tracked. */
import { and, asc, eq, gte, lt, sql } from 'drizzle-orm'
import { eventLimits } from '@halyard/shared/protocol/event-limits.ts'
import type { ReadDb } from './database.ts'
import { metricRollups, metrics } from './publication-schema.ts'
import type { Selecting } from './select.ts'

interface Place {
  readonly orgId: string
  readonly environmentId: string
}

/** From a moment up to, not including, another. */
interface Span {
  readonly from: Date
  readonly to: Date
}

export type MetricRow = {
  readonly name: string
  readonly sources: readonly ('server' | 'client')[]
  readonly lastSec: number
  readonly count: number
  readonly sum: number | null
}

export type MetricPointRow = Awaited<ReturnType<typeof selectMetricPoints>>[number]

/** Names in order, with what happened within a span; the page is cut before anything is summed. */
export function selectMetrics(
  db: ReadDb,
  { orgId, environmentId }: Place,
  { from, to, after, most }: Span & { readonly after: string | undefined; readonly most: number },
) {
  return db.execute<MetricRow>(sql`
    with named as (
      select name, array_agg(source order by source desc) as sources, max(last_at) as last_at from metrics
      where org_id = ${orgId} and environment_id = ${environmentId} and name collate "C" > ${after ?? ''}
      group by name order by name collate "C" limit ${most})
    select n.name, n.sources, extract(epoch from n.last_at)::float8 as "lastSec",
      coalesce(t.count, 0)::float8 as count, t.sum
    from named n cross join lateral (
      select sum(u.count) as count, sum(u.sum) as sum from metric_rollups u
      where u.org_id = ${orgId} and u.environment_id = ${environmentId} and u.source = any (n.sources)
        and u.name = n.name and u.hour >= ${from.toISOString()}::timestamptz and u.hour < ${to.toISOString()}::timestamptz) t
    order by n.name collate "C"`)
}

/** The classes of keys of which no further name is counted. */
export function selectFull(db: ReadDb, { orgId, environmentId }: Place) {
  return db.execute<{ source: 'server' | 'client' }>(sql`
    select source from metrics where org_id = ${orgId} and environment_id = ${environmentId}
    group by source having count(*) >= ${eventLimits.metricNames} order by source desc`)
}

/** A metric, by the class of the keys that it came with; of the server first. */
export function selectMetric(db: Selecting, { orgId, environmentId }: Place, name: string) {
  return db
    .select({
      source: metrics.source,
      lastSec: sql<number>`extract(epoch from ${metrics.lastAt})::float8`.mapWith(Number),
    })
    .from(metrics)
    .where(and(eq(metrics.orgId, orgId), eq(metrics.environmentId, environmentId), eq(metrics.name, name)))
    .orderBy(sql`${metrics.source} desc`)
}

/** By hour or day of UTC and class of key. */
export function selectMetricPoints(
  db: Selecting,
  { orgId, environmentId, name }: Place & { readonly name: string },
  { from, to, by }: Span & { readonly by: 'hour' | 'day' },
) {
  // `by` is one of two words: it is written as it stands, so that both places are one expression.
  const at = sql<number>`extract(epoch from date_trunc('${sql.raw(by)}', ${metricRollups.hour}, 'UTC'))::float8`
  return db
    .select({
      atSec: at.mapWith(Number),
      source: metricRollups.source,
      count: sql<number>`sum(${metricRollups.count})::float8`.mapWith(Number),
      sum: sql<number | null>`sum(${metricRollups.sum})`,
    })
    .from(metricRollups)
    .where(
      and(
        eq(metricRollups.orgId, orgId),
        eq(metricRollups.environmentId, environmentId),
        eq(metricRollups.name, name),
        gte(metricRollups.hour, from),
        lt(metricRollups.hour, to),
      ),
    )
    .groupBy(at, metricRollups.source)
    .orderBy(asc(at), sql`${metricRollups.source} desc`)
}
