/** A relay in memory. All of it but the buckets and the texts can be had again from SQLite, the platform and the hub. */
import { heartbeatSec } from '@halyard/shared/protocol/stream.ts'
import { makeBucket, type Bucket } from './admission.ts'
import type { ObjectPorts } from './hub-ports.ts'
import type { RelayBeat, RelayUpdate } from './relay-wire.ts'
import { readReplica, readTimes, writeTimes, type Listener, type Replica, type Times } from './replica.ts'

/** What a relay needs of a WebSocket that is open. Both throw if it has gone meanwhile. */
export interface RelaySocket {
  send(text: string): void
  close(code: number, reason: string): void
}

export interface RelaySockets {
  readonly count: () => number
  readonly ofClass: (keyClass: Listener['class']) => readonly RelaySocket[]
  readonly ofKey: (listener: Listener) => readonly RelaySocket[]
  /** When its last ping came, or when it was opened, whichever is later. */
  readonly heardAt: (socket: RelaySocket) => number
}

export interface RelayPorts extends ObjectPorts {
  /** Between 0 and 1. */
  readonly random: () => number
  /** Answers in bounded time, or rejects. */
  readonly callHub: (environment: string, beat: RelayBeat) => Promise<RelayUpdate | null>
  readonly sockets: RelaySockets
}

/** `absent`: nothing was ever published there. */
export type Asked = 'answered' | 'absent' | 'failed'

export interface Relay {
  readonly ports: RelayPorts
  replica: Replica | null
  times: Times
  /** The body of the replica, once somebody asked for it. */
  body: string | null
  /** What new sockets are told, by what they hold. */
  readonly greetingsCache: Map<string, readonly string[]>
  asking: Promise<Asked> | null
  askedAt: number
  readonly opens: Bucket
  readonly greetingBytes: Bucket
  /** Never too low: sockets that went are missed at the next count. */
  socketCount: number
  countedAt: number
  /** How many relays the region has, as far as the hub has said. */
  shards: number
}

export const beatMs = heartbeatSec * 1000

/** Streams that may be opened in a second, and at once: as many as a relay may hold, since they may all come back. */
const opensPerSec = 1000
const opensBurst = 5000
/** The same for the bytes that they are greeted with: they wait in memory until they are read. */
const greetingBytesPerSec = 64 * 1024 * 1024
const greetingBytesBurst = 2 * greetingBytesPerSec

export function makeRelay(ports: RelayPorts): Relay {
  const now = ports.now()
  return {
    ports,
    replica: readReplica(ports.sql),
    times: readTimes(ports.sql),
    body: null,
    greetingsCache: new Map(),
    asking: null,
    askedAt: -Infinity,
    opens: makeBucket(opensPerSec, opensBurst, now),
    greetingBytes: makeBucket(greetingBytesPerSec, greetingBytesBurst, now),
    socketCount: ports.sockets.count(),
    countedAt: now,
    shards: 1,
  }
}

/** Before it holds a replica a relay stores nothing, and sleeps without an alarm. */
export function setTimes(relay: Relay, times: Partial<Times>): void {
  relay.times = { ...relay.times, ...times }
  if (relay.replica) writeTimes(relay.ports.sql, relay.times)
}
