import { and, eq, inArray, sql } from 'drizzle-orm'
import { UsageMessage } from '@halyard/shared/contract/usage.ts'
import type { Database, Tx } from '../store/database.ts'
import { usageBatches, usageRollups } from '../store/publication-schema.ts'
import { flags, variants } from '../store/schema.ts'
import { rollUp, type CountedFlag } from './roll-up.ts'

/**
 * Adds a message to the roll-ups of its environment, once, however often it comes. Throws if it is of an unknown form or
 * the database fails; then nothing was counted.
 */
export async function countMessage(db: Database, body: unknown, now: Date): Promise<void> {
  const message = UsageMessage.parse(body)
  const { environment: environmentId, id, counts } = message
  const place = await db.findEnvironment(environmentId)
  if (!place) return // it was purged meanwhile
  const { org_id: orgId, project_id: projectId } = place
  await db.write(orgId, async (tx) => {
    const keys = [...new Set(counts.map(({ flag }) => flag))]
    const rows = rollUp(message, await readFlags(tx, { orgId, projectId }, keys))
    if (rows.length === 0) return // and so it does no harm again either
    const batch = { orgId, environmentId, id, receivedAt: now }
    const first = await tx
      .insert(usageBatches)
      .values(batch)
      .onConflictDoNothing()
      .returning({ id: usageBatches.id })
    if (first.length === 0) return
    await tx
      .insert(usageRollups)
      .values(rows.map((row) => ({ orgId, environmentId, ...row })))
      .onConflictDoUpdate({ target: rowKey, set: sums })
  })
}

const rowKey = [
  usageRollups.orgId,
  usageRollups.environmentId,
  usageRollups.flagId,
  usageRollups.hour,
  usageRollups.variant,
]
const sums = {
  evaluations: sql`usage_rollups.evaluations + excluded.evaluations`,
  deliveries: sql`usage_rollups.deliveries + excluded.deliveries`,
  lastEvaluatedAt: sql`greatest(usage_rollups.last_evaluated_at, excluded.last_evaluated_at)`,
  lastDeliveredAt: sql`greatest(usage_rollups.last_delivered_at, excluded.last_delivered_at)`,
}

async function readFlags(
  tx: Tx,
  { orgId, projectId }: { readonly orgId: string; readonly projectId: string },
  keys: readonly string[],
): Promise<CountedFlag[]> {
  return await tx
    .select({
      id: flags.id,
      key: flags.key,
      clientVisible: flags.clientVisible,
      variants: sql<string[]>`array_agg(${variants.key})`,
    })
    .from(flags)
    .innerJoin(variants, and(eq(variants.orgId, flags.orgId), eq(variants.flagId, flags.id)))
    .where(and(eq(flags.orgId, orgId), eq(flags.projectId, projectId), inArray(flags.key, [...keys])))
    .groupBy(flags.id, flags.key, flags.clientVisible)
}
