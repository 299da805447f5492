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
import type { HubPorts } from './hub-ports.ts'
import { readKvState, writeKvState } from './store.ts'

/** Drops the blobs that nobody needs, and brings KV in line with what is kept. Each value is written once. */
export async function settleBlobs(ports: HubPorts, environment: string): Promise<void> {
  dropExpired(ports.sql, ports.now())
  await Promise.all(dueErrands(ports.sql, ports.now()).map((errand) => run(ports, environment, errand)))
}

async function run(ports: HubPorts, environment: string, { kind, hash }: BlobErrand): Promise<void> {
  const { sql, kv } = ports
  const name = kvNames.blob(environment, hash)
  try {
    if (kind === 'delete') {
      // A delete that is called failed may have landed: if the blob is named again it must be put again.
      unsettleKv(sql, hash)
      await kv.delete(name)
      forgetKv(sql, hash)
      return
    }
    const bytes = readBlob(sql, hash)
    if (!bytes) return
    await kv.put(name, bytes)
    writeKvState(sql, kvKindOf(hash), kvWritten(hash, ports.now()))
  } catch (cause) {
    // The alarm tries again; readers have the hub meanwhile.
    writeKvState(sql, kvKindOf(hash), kvFailed(readKvState(sql, kvKindOf(hash)), ports.now()))
    ports.report('a KV write of a blob failed', { kind, environment, hash, cause })
  }
}
