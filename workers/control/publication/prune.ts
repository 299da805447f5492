/** History by age and count: see `halyard.prune_history` for what is kept. */
import { and, eq, sql } from 'drizzle-orm'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import { attempt, forEachTenant } from '../jobs.ts'
import type { EnvironmentScope } from '../ports.ts'
import { segmentBlobs } from '../store/blob-schema.ts'
import type { Database, Tx } from '../store/database.ts'
import { environments, organizations } from '../store/schema.ts'

/** The oldest version of an environment that is kept from now on, and how many states went. */
export interface Pruned extends EnvironmentScope {
  readonly oldest: string
  readonly states: number
}

/**
 * Drops the history of every environment that no kept version needs, and then releases the blobs that nothing of the
 * tenant names any more: they go a day later. One after another, so that no tenant's writes wait long; one that fails
 * keeps its history until tomorrow, and no other from being pruned.
 */
export async function pruneHistory(db: Database, nowMs: () => number): Promise<Pruned[]> {
  const pruned: (Pruned | null)[] = []
  await forEachTenant(db, 'prune_history', async (orgId) => {
    const [rows] = await db.read(orgId, (read) => [
      read.select({ environmentId: environments.id }).from(environments).where(eq(environments.orgId, orgId)),
    ])
    for (const scope of rows.map(({ environmentId }) => ({ orgId, environmentId }))) {
      const work = () => db.write(orgId, (tx) => pruneIn(tx, scope))
      pruned.push(await attempt('prune_history', work, { ...scope })) // oxlint-disable-line no-await-in-loop -- as said
    }
    await releaseBlobs(db, orgId, new Date(nowMs()))
  })
  return pruned.filter((done) => done !== null)
}

async function pruneIn(tx: Tx, scope: EnvironmentScope): Promise<Pruned | null> {
  const { orgId, environmentId } = scope
  await lockTenant(tx, orgId)
  const { rows } = await tx.execute<{ epoch: number; version: number; pruned: string }>(
    sql`select * from halyard.prune_history(${environmentId})`,
  )
  const [oldest] = rows
  if (!oldest) return null
  await tx
    .update(environments)
    .set({ historyEpoch: oldest.epoch, historyVersion: oldest.version })
    .where(and(eq(environments.orgId, orgId), eq(environments.id, environmentId)))
  return { ...scope, oldest: formatVersion(oldest), states: Number(oldest.pruned) }
}

/** Blobs that neither history nor a present state of the tenant names; from now on they last a day. */
async function releaseBlobs(db: Database, orgId: string, now: Date): Promise<void> {
  const unnamed = and(
    eq(segmentBlobs.orgId, orgId),
    eq(segmentBlobs.kept, true),
    ...['state_history', 'segment_states'].map(
      (table) => sql`not exists (select from ${sql.identifier(table)} named
        where named.org_id = ${orgId} and named.blob = ${segmentBlobs.hash})`,
    ),
  )
  // Most days there is none: then nobody's writes wait.
  const [found] = await db.read(orgId, (read) => [
    read.select({ hash: segmentBlobs.hash }).from(segmentBlobs).where(unnamed).limit(1),
  ])
  if (found.length === 0) return
  await db.write(orgId, async (tx) => {
    await lockTenant(tx, orgId)
    await tx.update(segmentBlobs).set({ kept: false, storedAt: now }).where(unnamed)
  })
}

/** As every change does first: none can name a version or a blob that goes meanwhile. */
async function lockTenant(tx: Tx, orgId: string): Promise<void> {
  await tx.select().from(organizations).where(eq(organizations.id, orgId)).for('update')
}
