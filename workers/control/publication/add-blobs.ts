import { requiredBlobs } from '@halyard/shared/engine/reach.ts'
import { addBlob, type Snapshot } from '@halyard/shared/engine/snapshot.ts'
import type { Database } from '../store/database.ts'
import { readBlob } from '../store/segment-blobs.ts'

/** Gives a snapshot the large lists that these flags may reach, or that any flag may. Those of old versions are kept. */
export async function addBlobs(
  db: Database,
  orgId: string,
  snapshot: Snapshot,
  keys?: readonly string[],
): Promise<void> {
  for (const hash of requiredBlobs(snapshot, keys)) {
    const bytes = await readBlob(db, { orgId, hash }) // oxlint-disable-line no-await-in-loop -- megabytes, one after another
    if (!bytes || !addBlob(snapshot, hash, bytes)) throw new Error(`blob ${hash} is not stored`)
  }
}
