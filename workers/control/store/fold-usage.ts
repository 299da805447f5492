/** Roll-ups grow old: of hours that nobody asks for any more, days are made, and at last they go. */
import { sql, type SQL } from 'drizzle-orm'
import { addToMetric } from './add-metrics.ts'
import { addToKept } from './add-usage.ts'
import type { ReadDb, Tx } from './database.ts'

/** Tables of rows by the hour. */
export type RollUps = 'usage_rollups' | 'metric_rollups'

/** A day of an environment, by its start in UTC. */
export type UsageDay = {
  readonly environmentId: string
  readonly day: string
}

/** How much of what is older than a moment goes at once. */
interface Portion {
  readonly before: Date
  readonly most: number
}

/**
 * The days from one up to, not including, another that still have rows of hours. A day's own row is of its start. One
 * row of each is looked for by the index: as a plain `exists` all rows would be read.
 */
export function selectUnfolded(
  db: ReadDb,
  orgId: string,
  { rollUps, from, to }: { readonly rollUps: RollUps; readonly from: Date; readonly to: Date },
) {
  return db.execute<UsageDay>(sql`
    select e.id as "environmentId", to_char(day at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as day
    from environments e, generate_series(${from.toISOString()}::timestamptz,
      ${to.toISOString()}::timestamptz - interval '24 hours', interval '24 hours') as day
    where e.org_id = ${orgId} and (select true from ${sql.raw(rollUps)} u
      where u.org_id = e.org_id and u.environment_id = e.id and u.hour > day and u.hour < day + interval '24 hours'
      order by u.hour limit 1)
    order by 1, 2`)
}

/** Makes rows of a day from at most so many rows of its hours; gives how many those were. */
export async function foldUsage(
  tx: Tx,
  orgId: string,
  { environmentId, day, most }: UsageDay & { readonly most: number },
): Promise<number> {
  const { start, ofDay } = spanOf(orgId, { environmentId, day })
  const { rows } = await tx.execute<{ folded: number }>(sql`
    with hours as (
      delete from usage_rollups where ctid = any (array(
        select ctid from usage_rollups where ${ofDay} order by flag_id, variant limit ${most})) returning *),
    days as (
      insert into usage_rollups as kept (org_id, environment_id, flag_id, variant, hour, evaluations, deliveries,
        last_evaluated_at, last_delivered_at)
      select org_id, environment_id, flag_id, variant, ${start}, sum(evaluations), sum(deliveries),
        max(last_evaluated_at), max(last_delivered_at)
      from hours group by org_id, environment_id, flag_id, variant order by flag_id, variant
      ${addToKept})
    select count(*)::int as folded from hours`)
  return rows[0]?.folded ?? 0
}

/** The same for metrics. */
export async function foldMetrics(
  tx: Tx,
  orgId: string,
  { environmentId, day, most }: UsageDay & { readonly most: number },
): Promise<number> {
  const { start, ofDay } = spanOf(orgId, { environmentId, day })
  const { rows } = await tx.execute<{ folded: number }>(sql`
    with hours as (
      delete from metric_rollups where ctid = any (array(
        select ctid from metric_rollups where ${ofDay} order by source, name limit ${most})) returning *),
    days as (
      insert into metric_rollups as kept (org_id, environment_id, source, name, hour, count, sum)
      select org_id, environment_id, source, name, ${start}, sum(count), sum(sum)
      from hours group by org_id, environment_id, source, name order by source, name
      ${addToMetric})
    select count(*)::int as folded from hours`)
  return rows[0]?.folded ?? 0
}

/** Drops roll-ups; gives how many went. */
export async function dropRollUps(
  tx: Tx,
  orgId: string,
  { rollUps, before, most }: Portion & { readonly rollUps: RollUps },
): Promise<number> {
  const table = sql.raw(rollUps)
  const { rowCount } = await tx.execute(sql`
    delete from ${table} where ctid = any (array(
      select old.ctid from environments e, lateral (
        select u.ctid from ${table} u
        where u.org_id = e.org_id and u.environment_id = e.id and u.hour < ${before.toISOString()}::timestamptz
        limit ${most}) as old
      where e.org_id = ${orgId} limit ${most}))`)
  return rowCount ?? 0
}

/** Takes their places from metrics that did not happen since; gives how many. */
export async function dropMetrics(tx: Tx, orgId: string, { before, most }: Portion): Promise<number> {
  const { rowCount } = await tx.execute(sql`
    delete from metrics where ctid = any (array(
      select m.ctid from metrics m
      where m.org_id = ${orgId} and m.last_at < ${before.toISOString()}::timestamptz and not exists (
        select from metric_rollups u where u.org_id = m.org_id and u.environment_id = m.environment_id
          and u.source = m.source and u.name = m.name)
      limit ${most}))`)
  return rowCount ?? 0
}

/** Forgets batches; gives how many. */
export async function dropBatches(tx: Tx, orgId: string, { before, most }: Portion): Promise<number> {
  const { rowCount } = await tx.execute(sql`
    delete from usage_batches where ctid = any (array(
      select ctid from usage_batches
      where org_id = ${orgId} and received_at < ${before.toISOString()}::timestamptz limit ${most}))`)
  return rowCount ?? 0
}

/** The start of a day, and which rows are of its other hours. */
function spanOf(
  orgId: string,
  { environmentId, day }: UsageDay,
): { readonly start: SQL; readonly ofDay: SQL } {
  const start = sql`${day}::timestamptz`
  const ofDay = sql`org_id = ${orgId} and environment_id = ${environmentId}
    and hour > ${start} and hour < ${start} + interval '24 hours'`
  return { start, ofDay }
}
