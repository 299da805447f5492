import { sql, type SQL } from 'drizzle-orm'
import type { RollUp } from '../usage/roll-up.ts'
import type { Tx } from './database.ts'

/** What an insert into `usage_rollups as kept` does where there is a row already. */
export const addToKept: SQL = sql`on conflict (org_id, environment_id, flag_id, variant, hour) do update set
  evaluations = kept.evaluations + excluded.evaluations,
  deliveries = kept.deliveries + excluded.deliveries,
  last_evaluated_at = greatest(kept.last_evaluated_at, excluded.last_evaluated_at),
  last_delivered_at = greatest(kept.last_delivered_at, excluded.last_delivered_at)`

/** Adds to the roll-ups of an environment. All is one parameter: one for each value costs more than to write them. */
export async function addUsage(
  tx: Tx,
  { orgId, environmentId }: { readonly orgId: string; readonly environmentId: string },
  rows: readonly RollUp[],
): Promise<void> {
  await tx.execute(sql`
    insert into usage_rollups as kept (org_id, environment_id, flag_id, variant, hour, evaluations, deliveries,
      last_evaluated_at, last_delivered_at)
    select ${orgId}, ${environmentId}, given.* from json_to_recordset(${JSON.stringify(rows)}::json) as given (
      "flagId" text, variant text, hour timestamptz, evaluations bigint, deliveries bigint,
      "lastEvaluatedAt" timestamptz, "lastDeliveredAt" timestamptz)
    ${addToKept}`)
}
