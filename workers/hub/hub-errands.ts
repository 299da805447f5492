/** What the hub's alarm does: pushes that were not confirmed, KV, blobs that nobody names. */
import { formatKvValue, kvNames } from '@halyard/shared/protocol/hub.ts'
import { settleBlobs } from './blob-values.ts'
import { dropExpired } from './blobs.ts'
import { readContent } from './content.ts'
import { kvBegun, kvDueAt, kvFailed, kvWritten, wantedKv, type KvKind } from './decide.ts'
import type { HubPorts } from './hub-ports.ts'
import { pushDue } from './push.ts'
import { kvKinds, schedule } from './schedule.ts'
import { readHead, readKvState, writeKvState, type StoredHead } from './store.ts'

export async function runErrands(ports: HubPorts): Promise<void> {
  const held = readHead(ports.sql)
  dropExpired(ports.sql, ports.now())
  if (held) {
    // A KV that hangs holds up no push: nobody waits for it here.
    for (const kind of kvKinds) ports.defer(writeKv(ports, kind, held))
    ports.defer(settleBlobs(ports, held.head.environment))
    await pushDue(ports)
  }
  await schedule(ports)
}

async function writeKv(ports: HubPorts, kind: KvKind, { signedHead, head }: StoredHead): Promise<void> {
  const { sql, kv } = ports
  const wanted = wantedKv(kind, head)
  const before = readKvState(sql, kind)
  const dueAt = kvDueAt(before, wanted)
  if (dueAt === null || dueAt > ports.now()) return
  writeKvState(sql, kind, kvBegun(before, ports.now()))
  const content = readContent(sql, kind === 'snapshot' ? head.snapshotHash : head.accessHash)
  const value = formatKvValue({ signedHead, confirmedAt: ports.now() }, content)
  try {
    await kv.put(kvNames[kind](head.environment), value)
    writeKvState(sql, kind, kvWritten(before, wanted, ports.now()))
  } catch (cause) {
    // The alarm tries again; readers have the hub meanwhile.
    writeKvState(sql, kind, kvFailed(before, ports.now()))
    ports.report('a KV write failed', { kind, environment: head.environment, cause })
  }
  await schedule(ports)
}
