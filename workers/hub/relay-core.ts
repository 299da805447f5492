/**
 * A relay: a replica of what one environment has published, and the sockets of some of its readers. All that is
 * decided and stored, without the platform.
 */
import { compareVersions, parseVersion, type Version } from '@halyard/shared/protocol/version.ts'
import { spreadSec, takeFrom, type Bucket } from './admission.ts'
import { askHub, forgetReplica, scheduleRelay, takeLeave } from './ask-hub.ts'
import { mayListen, tellHeads } from './fan-out.ts'
import { greetClient, greetServer } from './greeting.ts'
import {
  beatMs,
  makeRelay,
  setTimes,
  type Asked,
  type Relay,
  type RelayPorts,
  type RelaySocket,
} from './relay-state.ts'
import type { RelayAck, RelayUpdate } from './relay-wire.ts'
import { noteListener, type Listener, type Place } from './replica.ts'
import { takeUpdate } from './take-update.ts'

/** A reader that wants to listen, with a key that the edge has authorised. */
export interface Opening extends Place, Listener {
  /** The token of what it holds. */
  readonly since: string | null
}

export type Opened =
  | { readonly outcome: 'open' }
  /** Nothing was ever published there. */
  | { readonly outcome: 'absent' }
  /** The key may not listen any more. */
  | { readonly outcome: 'refused' }
  /** Come back later: too many at once, or nothing is to be had from the hub. */
  | { readonly outcome: 'busy'; readonly retryAfterSec: number }
  /** It holds what it can: there are or should be so many relays in this region. */
  | { readonly outcome: 'full'; readonly shards: number }

export interface RelayCore {
  /** `accept` gives the socket; it is called at most once, and only for `open`. */
  open(opening: Opening, accept: () => RelaySocket): Promise<Opened>
  /** The hub tells what was published. */
  push(update: RelayUpdate): Promise<RelayAck | null>
  /** Does whatever is due; running twice is harmless. */
  alarm(): Promise<void>
}

/** Sockets that one relay takes. */
export const socketsMax = 5000
/** Clients take no more of them, since anybody may have a client key. */
export const clientSocketsMax = 4000

const recountMs = 1000

export function makeRelayCore(ports: RelayPorts): RelayCore {
  const relay = makeRelay(ports)
  return {
    open: (opening, accept) => open(relay, opening, accept),
    push: (update) => push(relay, update),
    alarm: () => alarm(relay),
  }
}

async function open(relay: Relay, opening: Opening, accept: () => RelaySocket): Promise<Opened> {
  const { ports } = relay
  const { opens, greetingBytes } = relay.admission[opening.class]
  if (!takeFrom(opens, 1, ports.now())) return busy(relay, opens)
  const since = opening.since === null ? null : parseVersion(opening.since)
  const asked = await catchUp(relay, opening, since)
  // One turn from here on: nothing is published between the greeting and the first message.
  const { replica } = relay
  if (!replica) return asked === 'absent' ? { outcome: 'absent' } : busy(relay, opens)
  if (isFull(relay, opening))
    return { outcome: 'full', shards: Math.max(numberOf(opening) + 2, relay.shards) }
  if (!mayListen(replica, opening, ports.now())) {
    // Who is refused does not come back: a key that is not in the record may be newer than the record.
    const isSure = replica.keys.has(opening.keyId) || asked === 'answered'
    return isSure ? { outcome: 'refused' } : busy(relay, opens)
  }
  // The hub itself is not as far: the reader holds nothing that this history leads on from.
  const isStray = asked === 'answered' && since !== null && compareVersions(since, replica.head) > 0
  const texts =
    opening.class === 'server'
      ? greetServer(relay, replica, isStray ? null : since)
      : greetClient(relay, replica, since)
  const length = texts.reduce((sum, text) => sum + text.length, 0)
  if (!takeFrom(greetingBytes, length, ports.now())) return busy(relay, greetingBytes)
  const socket = accept()
  relay.socketCount += 1
  for (const text of texts) socket.send(text)
  noteListener(ports.sql, opening)
  return { outcome: 'open' }
}

async function push(relay: Relay, update: RelayUpdate): Promise<RelayAck | null> {
  // It may be about to listen: the hub knows it already, and what it is answered may be older than this.
  if (relay.times.askAt === null) await relay.asking
  const held = relay.replica
  if (!held || relay.times.askAt === null) return null
  let taken = await takeUpdate(relay, held, update)
  for (let tries = 0; tries < 2 && (taken === 'short' || taken === 'refused'); tries++) {
    // A question that was under way may have been asked before this was published: then once more.
    await askHub(relay, held) // oxlint-disable-line no-await-in-loop
    taken = await takeUpdate(relay, held, update) // oxlint-disable-line no-await-in-loop
  }
  if (taken === 'refused') relay.ports.report('a push cannot be verified', { relay: held.relay })
  return { version: (relay.replica ?? held).at }
}

async function alarm(relay: Relay): Promise<void> {
  const { replica, times, ports } = relay
  if (!replica) return
  if (times.askAt === null) {
    await forgetReplica(relay)
    return
  }
  recount(relay)
  // Whoever waits for an answer is about to open a socket.
  if (relay.socketCount === 0 && !relay.asking) {
    await takeLeave(relay, replica)
    return
  }
  if (times.askAt <= ports.now()) await askHub(relay, replica)
  const hasHealed = times.failures > 0 && relay.times.failures === 0
  if (hasHealed || relay.times.headAt <= ports.now()) beat(relay)
  await scheduleRelay(relay)
}

/**
 * Makes sure of a replica that is as new as can be. Gives what became of a question that began after the opening, if one
 * was asked: an answer to an older one may be older than the opening, too.
 */
async function catchUp(relay: Relay, opening: Opening, since: Version | null): Promise<Asked | null> {
  const isWanting = () => isOverdue(relay) || isCurious(relay, opening, since)
  if (!isWanting()) return null
  if (relay.asking && (await relay.asking) === 'failed') return 'failed'
  if (!isWanting()) return null
  // All who wait have one question asked: one that is under way by now is as new as any.
  const mayAsk = relay.asking || isOverdue(relay) || takeFrom(relay.curiosity, 1, relay.ports.now())
  return mayAsk ? await askHub(relay, opening) : null
}

/** A question that is due is the alarm's to ask. One long overdue tells of a relay that was not running. */
function isOverdue({ replica, times, ports }: Relay): boolean {
  return times.askAt === null || times.askAt + (replica ? beatMs : 0) <= ports.now()
}

/** Whether a reader knows of more than the relay. */
function isCurious({ replica }: Relay, { keyId }: Opening, since: Version | null): boolean {
  if (!replica) return false
  return (since !== null && compareVersions(since, replica.head) > 0) || !replica.keys.has(keyId)
}

function beat(relay: Relay): void {
  setTimes(relay, { headAt: relay.ports.now() + beatMs })
  tellHeads(relay)
}

function isFull(relay: Relay, opening: Opening): boolean {
  const max = opening.class === 'server' ? socketsMax : clientSocketsMax
  if (relay.socketCount < max) return false
  if (relay.ports.now() - relay.countedAt >= recountMs) recount(relay)
  return relay.socketCount >= max
}

function recount(relay: Relay): void {
  relay.socketCount = relay.ports.sockets.count()
  relay.countedAt = relay.ports.now()
}

function busy(relay: Relay, bucket: Bucket): Opened {
  return { outcome: 'busy', retryAfterSec: spreadSec(bucket, relay.ports.random()) }
}

/** The number at the end of `weur/0`. */
function numberOf({ relay }: Place): number {
  return Number(relay.slice(relay.indexOf('/') + 1))
}
