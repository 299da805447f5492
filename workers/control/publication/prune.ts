/** History by age and count: see `halyard.prune_history` for what is kept. */
import { and, eq, sql } from 'drizzle-orm'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import type { EnvironmentScope } from '../ports.ts'
import { segmentBlobs } from '../store/blob-schema.ts'
import type { Database, Tx } from '../store/database.ts'
import { environments, organizations, stateHistory } from '../store/schema.ts'
import { segmentStates } from '../store/segment-schema.ts'

/** The oldest version of an environment that is kept from now on, and how many states went. */
export interface Pruned extends EnvironmentScope {
  readonly oldest: string
  readonly states: number
}

/**
 * Drops the history of every environment that no kept version needs, and releases the blobs that nothing names any
 * more: they go a day later. One environment after another, so that no tenant's writes wait long.
 */
export async function pruneHistory(db: Database, nowMs: () => number): Promise<Pruned[]> {
  const pruned: Pruned[] = []
  for (const orgId of await db.listOrganizations()) {
    // oxlint-disable-next-line no-await-in-loop -- one after another, as said
    const [rows] = await db.read(orgId, (read) => [
      read.select({ environmentId: environments.id }).from(environments).where(eq(environments.orgId, orgId)),
    ])
    for (const { environmentId } of rows) {
      const done = await pruneEnvironment(db, { orgId, environmentId }, nowMs) // oxlint-disable-line no-await-in-loop -- the same
      if (done) pruned.push(done)
    }
  }
  return pruned
}

/** As a job: one environment that fails keeps its history, and no other from being pruned. */
async function pruneEnvironment(
  db: Database,
  scope: EnvironmentScope,
  nowMs: () => number,
): Promise<Pruned | null> {
  try {
    return await db.write(scope.orgId, (tx) => pruneIn(tx, scope, new Date(nowMs())))
  } catch (error) {
    console.error(JSON.stringify({ event: 'prune_failed', ...scope, error: String(error) }))
    return null // tomorrow it is tried again
  }
}

async function pruneIn(tx: Tx, scope: EnvironmentScope, now: Date): Promise<Pruned | null> {
  const { orgId, environmentId } = scope
  // As every change does first: none can name a version or a blob that goes meanwhile.
  await tx.select().from(organizations).where(eq(organizations.id, orgId)).for('update')
  const { rows } = await tx.execute<{ epoch: number; version: number; pruned: string }>(
    sql`select * from halyard.prune_history(${environmentId})`,
  )
  const [oldest] = rows
  if (!oldest) return null
  await tx
    .update(environments)
    .set({ historyEpoch: oldest.epoch, historyVersion: oldest.version })
    .where(and(eq(environments.orgId, orgId), eq(environments.id, environmentId)))
  const states = Number(oldest.pruned)
  if (states > 0) await releaseBlobs(tx, orgId, now)
  return { ...scope, oldest: formatVersion(oldest), states }
}

/** Blobs that neither history nor a present state of the tenant names; from now on they last a day. */
async function releaseBlobs(tx: Tx, orgId: string, now: Date): Promise<void> {
  const ofHistory = sql`select ${stateHistory.state} #>> '{state,members,hash}' from ${stateHistory}
    where ${stateHistory.orgId} = ${orgId} and ${stateHistory.kind} = 'segment'`
  const present = sql`select ${segmentStates.state} #>> '{members,hash}' from ${segmentStates}
    where ${segmentStates.orgId} = ${orgId}`
  await tx
    .update(segmentBlobs)
    .set({ kept: false, storedAt: now })
    .where(
      and(
        eq(segmentBlobs.orgId, orgId),
        eq(segmentBlobs.kept, true),
        sql`not exists (select from (${ofHistory} union all ${present}) as named (hash) where named.hash = ${segmentBlobs.hash})`,
      ),
    )
}
