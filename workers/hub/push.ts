/** The hub tells its relays. A lost push heals by the alarm after a second, and by the relay's next beat anyway. */
import { formatVersion, parseVersion } from '@halyard/shared/protocol/version.ts'
import { lastDelta } from './delta-ring.ts'
import type { HubPorts } from './hub-ports.ts'
import { dropUnheard, listRelays, noteAck, takeDuePushes, type ListedRelay } from './relay-register.ts'
import type { RelayUpdate } from './relay-wire.ts'
import { schedule } from './schedule.ts'
import { readHead, type StoredHead } from './store.ts'

/** What is under way to relays at once, in characters. */
const underWayMax = 8 * 1024 * 1024
/** Of what is no longer than this the thousand relays that an environment may have are told at once. */
const smallMax = 16 * 1024

/** Tells all of what has just been stored; the access record goes along if it is new. */
export async function pushToAll(ports: HubPorts, access: string | null): Promise<void> {
  await push(ports, listRelays(ports.sql, ports.now()), access)
}

/** Tells those again that have not confirmed the head. */
export async function pushDue(ports: HubPorts): Promise<void> {
  await push(ports, takeDuePushes(ports.sql, ports.now()), null)
}

async function push(ports: HubPorts, relays: readonly ListedRelay[], access: string | null): Promise<void> {
  const held = readHead(ports.sql)
  if (!held || relays.length === 0) return
  const update = updateOf(ports, held, access)
  const { length } = JSON.stringify(update)
  const width = length <= smallMax ? relays.length : Math.max(1, Math.floor(underWayMax / length))
  const waiting = relays.values()
  await Promise.all(
    Array.from({ length: Math.min(width, relays.length) }, async () => {
      // oxlint-disable-next-line no-await-in-loop -- each goes on as soon as one is told
      for (const { relay } of waiting) await pushTo(ports, { relay, held, update })
    }),
  )
  await schedule(ports)
}

/** A relay that holds what the delta begins with needs no more; the others ask. */
function updateOf({ sql, now }: HubPorts, held: StoredHead, access: string | null): RelayUpdate {
  const delta = lastDelta(sql, formatVersion(held.head), held.head.size)
  return {
    signedHead: held.signedHead,
    confirmedAt: now(),
    clientAt: held.clientAt,
    ...(delta && { deltas: [delta] }),
    ...(access !== null && { access }),
  }
}

interface Errand {
  readonly relay: string
  readonly held: StoredHead
  readonly update: RelayUpdate
}

async function pushTo(ports: HubPorts, { relay, held, update }: Errand): Promise<void> {
  const { environment } = held.head
  const sentAt = ports.now()
  try {
    const ack = await ports.callRelay(environment, relay, update)
    const version = ack && parseVersion(ack.version)
    if (version) noteAck(ports.sql, relay, version, ports.now())
    else dropUnheard(ports.sql, relay, sentAt)
  } catch (cause) {
    // The alarm tries again; until then its readers see by the age that they may be behind.
    ports.report('a relay could not be told', { environment, relay, cause })
  }
}
