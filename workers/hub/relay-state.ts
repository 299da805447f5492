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
  greetings: Greetings
  asking: Promise<Asked> | null
  /** Questions that readers can cause, since they say that they know of more than the relay. */
  readonly curiosity: Bucket
  /** By class: whoever has a public key keeps no server away. */
  readonly admission: Readonly<Record<Listener['class'], Admission>>
  /** Never too low: sockets that went are missed at the next count. */
  socketCount: number
  countedAt: number
  /** How many relays the region has, as far as the hub has said. */
  shards: number
}

/** What new sockets are told, each text made once while the replica stays: no more than its body and its ring. */
export interface Greetings {
  readonly textsCache: Map<'server' | 'client' | 'changed' | 'snapshot', string>
  ring: readonly RingText[] | null
}

export interface RingText {
  readonly baseAt: string
  readonly bytes: number
  readonly text: string
}

interface Admission {
  readonly opens: Bucket
  readonly greetingBytes: Bucket
}

export const beatMs = heartbeatSec * 1000

/** Streams that may be opened in a second, and at once: as many as a relay may hold, since they may all come back. */
const opensPerSec = 1000
const opensBurst = 5000
const mib = 1024 * 1024
/** The same for the bytes that they are greeted with: they wait in memory until they are read. */
export const greetingBytesPerSec = 64 * mib
const greetingBytesBurst = 32 * mib
/** Clients are not sent the snapshot. */
const clientGreetingBytesPerSec = 4 * mib
const questionsPerSec = 4
const questionsBurst = 8

export function makeRelay(ports: RelayPorts): Relay {
  const now = ports.now()
  return {
    ports,
    replica: readReplica(ports.sql),
    times: readTimes(ports.sql),
    body: null,
    greetings: makeGreetings(),
    asking: null,
    curiosity: makeBucket(questionsPerSec, questionsBurst, now),
    admission: {
      server: {
        opens: makeBucket(opensPerSec, opensBurst, now),
        greetingBytes: makeBucket(greetingBytesPerSec, greetingBytesBurst, now),
      },
      client: {
        opens: makeBucket(opensPerSec, opensBurst, now),
        greetingBytes: makeBucket(clientGreetingBytesPerSec, clientGreetingBytesPerSec, now),
      },
    },
    socketCount: ports.sockets.count(),
    countedAt: now,
    shards: 1,
  }
}

export function makeGreetings(): Greetings {
  return { textsCache: new Map(), ring: null }
}

/** Before it holds a replica a relay stores nothing, and sleeps without an alarm. */
export function setTimes(relay: Relay, times: Partial<Times>): void {
  relay.times = { ...relay.times, ...times }
  if (relay.replica) writeTimes(relay.ports.sql, relay.times)
}
