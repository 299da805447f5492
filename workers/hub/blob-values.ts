import { kvNames } from '@halyard/shared/protocol/hub.ts'
import {
  beginErrands,
  endErrands,
  forgetKv,
  kvKindOf,
  readBlob,
  unsettleKv,
  type BlobErrand,
} from './blobs.ts'
import { kvFailed, kvWritten } from './decide.ts'
import type { HubPorts } from './hub-ports.ts'
import { schedule } from './schedule.ts'
import { readKvState, writeKvState } from './store.ts'

/** Brings KV in line with the blobs that are kept. Each value is written once. */
export async function settleBlobs(ports: HubPorts, environment: string): Promise<void> {
  const errands = beginErrands(ports.sql, ports.now())
  if (errands.length === 0) return
  await Promise.all(errands.map((errand) => run(ports, environment, errand)))
  endErrands(ports.sql)
  await schedule(ports)
}

async function run(ports: HubPorts, environment: string, { kind, hash }: BlobErrand): Promise<void> {
  const { sql, kv } = ports
  const name = kvNames.blob(environment, hash)
  const before = readKvState(sql, kvKindOf(hash))
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
    writeKvState(sql, kvKindOf(hash), kvWritten(before, hash, ports.now()))
  } catch (cause) {
    // The alarm tries again; readers have the hub meanwhile.
    writeKvState(sql, kvKindOf(hash), kvFailed(before, ports.now()))
    ports.report('a KV write of a blob failed', { kind, environment, hash, cause })
  }
}
