import { sql, type SQL } from 'drizzle-orm'
import type { MetricId, MetricRollUp } from '../usage/roll-up-metrics.ts'
import type { Tx } from './database.ts'

interface Place {
  readonly orgId: string
  readonly environmentId: string
}

/** What an insert into `metric_rollups as kept` does where there is a row already. */
export const addToMetric: SQL = sql`on conflict (org_id, environment_id, source, name, hour) do update set
  count = kept.count + excluded.count,
  sum = case when excluded.sum is null then kept.sum else coalesce(kept.sum, 0) + excluded.sum end`

/** The metrics of an environment that have a place. */
export async function readMetrics(tx: Tx, { orgId, environmentId }: Place): Promise<readonly MetricId[]> {
  const { rows } = await tx.execute<{ source: 'server' | 'client'; name: string }>(
    sql`select source, name from metrics where org_id = ${orgId} and environment_id = ${environmentId}`,
  )
  return rows
}

/** Until the end of the transaction nobody else gives a new metric of the environment a place. */
export async function lockMetrics(tx: Tx, { environmentId }: Place): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`metrics ${environmentId}`}, 0))`)
}

/** Gives metrics a place, and keeps when each last happened. */
export async function keepMetrics(
  tx: Tx,
  { orgId, environmentId }: Place,
  rows: readonly (MetricId & { readonly lastAt: Date })[],
): Promise<void> {
  await tx.execute(sql`
    insert into metrics as kept (org_id, environment_id, source, name, last_at)
    select ${orgId}, ${environmentId}, given.* from json_to_recordset(${JSON.stringify(rows)}::json) as given (
      source text, name text, "lastAt" timestamptz)
    on conflict (org_id, environment_id, source, name) do update set
      last_at = greatest(kept.last_at, excluded.last_at)`)
}

/** Adds to the roll-ups of metrics that have a place. */
export async function addMetrics(
  tx: Tx,
  { orgId, environmentId }: Place,
  rows: readonly MetricRollUp[],
): Promise<void> {
  await tx.execute(sql`
    insert into metric_rollups as kept (org_id, environment_id, source, name, hour, count, sum)
    select ${orgId}, ${environmentId}, given.* from json_to_recordset(${JSON.stringify(rows)}::json) as given (
      source text, name text, hour timestamptz, count bigint, sum float8)
    ${addToMetric}`)
}
