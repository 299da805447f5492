import { nextBlobWork } from './blobs.ts'
import { earliest, kvDueAt, wantedKv, type KvKind } from './decide.ts'
import type { HubPorts } from './hub-ports.ts'
import { nextPush } from './relay-register.ts'
import { readHead, readKvState } from './store.ts'

export const kvKinds = ['snapshot', 'access'] as const satisfies KvKind[]

/** Sets the one alarm to the earliest of what is due. */
export async function schedule({ sql, now, setAlarm }: HubPorts): Promise<void> {
  const held = readHead(sql)
  const times = held
    ? [...kvKinds.map((kind) => kvDueAt(readKvState(sql, kind), wantedKv(kind, held.head))), nextPush(sql)]
    : []
  const next = earliest([...times, nextBlobWork(sql)])
  await setAlarm(next === null ? null : Math.max(next, now()))
}
