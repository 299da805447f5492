/** A relay asks its hub, one question at a time: what it then holds, and when it asks again. */
import { beatMs, makeGreetings, setTimes, type Asked, type Relay } from './relay-state.ts'
import type { RelayBeat } from './relay-wire.ts'
import { dropReplicaTables, neverAsked, type Place } from './replica.ts'
import { takeUpdate } from './take-update.ts'

const retryMs = 1000
/** A replica that nobody listened to for so long is dropped. */
const keptMs = 86_400_000

/** Asks what is new, or waits for the answer to the question that is under way. */
export async function askHub(relay: Relay, place: Place): Promise<Asked> {
  relay.asking ??= ask(relay, place).finally(() => (relay.asking = null))
  return await relay.asking
}

/** Sets the alarm to whichever comes first: a question to the hub, or a head to the sockets. */
export async function scheduleRelay({ ports, replica, times }: Relay): Promise<void> {
  if (!replica || times.askAt === null) return
  await ports.setAlarm(Math.max(Math.min(times.askAt, times.headAt), ports.now()))
}

/** Tells the hub that nobody listens here any more; if that is lost it finds out by the silence. */
export async function takeLeave(relay: Relay, { environment, relay: name }: Place): Promise<void> {
  const keptUntil = relay.ports.now() + keptMs
  setTimes(relay, { askAt: null, headAt: keptUntil })
  await relay.ports.setAlarm(keptUntil)
  try {
    await relay.ports.callHub(environment, { ...beatOf(relay, name, true), sockets: 0 })
  } catch {
    // The hub forgets a relay that it does not hear.
  }
}

/** Of a relay that nobody listens to, once its time is over. */
export async function forgetReplica(relay: Relay): Promise<void> {
  const { ports, times } = relay
  // Whoever waits for an answer is about to open a socket.
  if (relay.asking) return
  if (times.headAt > ports.now()) {
    await ports.setAlarm(times.headAt)
    return
  }
  ports.transactionSync(() => dropReplicaTables(ports.sql))
  Object.assign(relay, { replica: null, times: neverAsked, body: null, greetings: makeGreetings() })
}

async function ask(relay: Relay, place: Place): Promise<Asked> {
  const before = relay.replica
  const asked = await question(relay, place)
  const now = relay.ports.now()
  const headAt = relay.times.askAt === null ? now + beatMs : relay.times.headAt
  if (asked === 'answered') {
    // What it has just taken it confirms by another question, at once.
    const askAt = relay.replica === before ? now + beatMs : now
    setTimes(relay, { askAt, failures: 0, headAt })
  }
  if (asked === 'failed') {
    const failures = relay.times.failures + 1
    setTimes(relay, { askAt: now + Math.min(retryMs * 2 ** (failures - 1), beatMs), failures, headAt })
  }
  await scheduleRelay(relay)
  return asked
}

async function question(relay: Relay, place: Place): Promise<Asked> {
  const { environment, relay: name } = place
  try {
    // A push may have moved what is held meanwhile, or a delta may be signed by a key that is trusted no more: then
    // the whole is asked for.
    for (const takesDeltas of [true, false]) {
      // oxlint-disable-next-line no-await-in-loop -- the second is asked only if the first does not do
      const answer = await relay.ports.callHub(environment, beatOf(relay, name, takesDeltas))
      if (!answer) return relay.replica ? 'failed' : 'absent'
      relay.shards = answer.shards ?? 1
      const taken = await takeUpdate(relay, place, answer) // oxlint-disable-line no-await-in-loop
      if (taken !== 'short' && taken !== 'refused') return 'answered'
    }
    throw new Error('the hub answered what cannot be verified, or less than it was asked for')
  } catch (cause) {
    // Asked again soon; until then what is held is served, and its age shows.
    relay.ports.report('the hub could not be asked', { environment, relay: name, cause })
    return 'failed'
  }
}

function beatOf(relay: Relay, name: string, takesDeltas: boolean): RelayBeat {
  const { replica, ports } = relay
  const held = replica && { snapshotHash: replica.head.snapshotHash, accessHash: replica.head.accessHash }
  return {
    relay: name,
    sockets: Math.max(1, relay.socketCount),
    sentAt: ports.now(),
    held: { ...held, takesDeltas },
    ...(replica && { version: replica.at }),
  }
}
