/** What the hub's alarm does: pushes that were not confirmed, KV, blobs that nobody names. */
import { formatKvValue, kvNames } from '@halyard/shared/protocol/hub.ts'
import { settleBlobs } from './blob-values.ts'
import { dropExpired } from './blobs.ts'
import { readContent } from './content.ts'
import { kvDueAt, kvFailed, kvWritten, wantedKv, type KvKind } from './decide.ts'
import type { HubPorts } from './hub-ports.ts'
import { pushDue } from './push.ts'
import { kvKinds, schedule } from './schedule.ts'
import { readHead, readKvState, writeKvState, type StoredHead } from './store.ts'

export async function runErrands(ports: HubPorts): Promise<void> {
  const held = readHead(ports.sql)
  if (held) {
    const writes = kvKinds.map((kind) => writeKv(ports, kind, held))
    await Promise.all([pushDue(ports), ...writes, settleBlobs(ports, held.head.environment)])
  } else dropExpired(ports.sql, ports.now())
  await schedule(ports)
}

async function writeKv(ports: HubPorts, kind: KvKind, { signedHead, head }: StoredHead): Promise<void> {
  const { sql, kv } = ports
  const wanted = wantedKv(kind, head)
  const dueAt = kvDueAt(readKvState(sql, kind), wanted)
  if (dueAt === null || dueAt > ports.now()) return
  const content = readContent(sql, kind === 'snapshot' ? head.snapshotHash : head.accessHash)
  const value = formatKvValue({ signedHead, confirmedAt: ports.now() }, content)
  try {
    await kv.put(kvNames[kind](head.environment), value)
    writeKvState(sql, kind, kvWritten(wanted, ports.now()))
  } catch (cause) {
    // The alarm tries again; readers have the hub meanwhile.
    writeKvState(sql, kind, kvFailed(readKvState(sql, kind), ports.now()))
    ports.report('a KV write failed', { kind, environment: head.environment, cause })
  }
}
