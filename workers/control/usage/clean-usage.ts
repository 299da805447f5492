import { and, eq, inArray, lt } from 'drizzle-orm'
import type { Database } from '../store/database.ts'
import { usageBatches, usageRollups } from '../store/publication-schema.ts'
import { environments } from '../store/schema.ts'

const dayMs = 86_400_000
/** A queue gives a message up after four days: none comes again later. */
const batchDays = 7
export const rollUpDays = 400

/** Drops what is too old of every tenant. Doing it again does nothing. */
export async function cleanUsage(db: Database, now: Date): Promise<void> {
  const before = (days: number) => new Date(now.getTime() - days * dayMs)
  for (const orgId of await db.listOrganizations()) {
    // One tenant at a time: this may wait, and others may not.
    // oxlint-disable-next-line no-await-in-loop
    await db.write(orgId, async (tx) => {
      await tx
        .delete(usageBatches)
        .where(and(eq(usageBatches.orgId, orgId), lt(usageBatches.receivedAt, before(batchDays))))
      const own = tx.select({ id: environments.id }).from(environments).where(eq(environments.orgId, orgId))
      await tx
        .delete(usageRollups)
        .where(
          and(
            eq(usageRollups.orgId, orgId),
            inArray(usageRollups.environmentId, own),
            lt(usageRollups.hour, before(rollUpDays)),
          ),
        )
    })
  }
}
