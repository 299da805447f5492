import { kvNames } from '@halyard/shared/protocol/hub.ts'
import {
  dropExpired,
  dueErrands,
  forgetKv,
  kvKindOf,
  readBlob,
  unsettleKv,
  type BlobErrand,
} from './blobs.ts'
import { kvFailed, kvWritten } from './decide.ts'
import { inTime } from './in-time.ts'
import { readKvState, writeKvState } from './store.ts'

export interface BlobPlace {
  readonly sql: SqlStorage
  readonly kv: KVNamespace
  readonly environment: string
  readonly timeoutMs: number
}

/** Drops the blobs that nobody needs, and brings KV in line with what is kept. Each value is written once. */
export async function settleBlobs(place: BlobPlace): Promise<void> {
  dropExpired(place.sql)
  await Promise.all(dueErrands(place.sql).map((errand) => run(place, errand)))
}

async function run({ sql, kv, environment, timeoutMs }: BlobPlace, errand: BlobErrand): Promise<void> {
  const { kind, hash } = errand
  const name = kvNames.blob(environment, hash)
  try {
    if (kind === 'delete') {
      // A delete that is called failed may have landed: if the blob is named again it must be put again.
      unsettleKv(sql, hash)
      await inTime(kv.delete(name), timeoutMs)
      forgetKv(sql, hash)
      return
    }
    const bytes = readBlob(sql, hash)
    if (!bytes) return
    await inTime(kv.put(name, bytes), timeoutMs)
    writeKvState(sql, kvKindOf(hash), kvWritten(hash, Date.now()))
  } catch (cause) {
    // The alarm tries again; readers have the hub meanwhile.
    writeKvState(sql, kvKindOf(hash), kvFailed(readKvState(sql, kvKindOf(hash)), Date.now()))
    console.error('a KV write of a blob failed', { kind, environment, hash, cause })
  }
}
