/**
 * A reader of one environment: it holds the newest copy that it could get and verify, over a stream, and by polling
 * where the stream does not do. Without I/O of its own.
 */
import { ageMs, makeFreshness, staleMs } from './freshness.ts'
import { startPoller, stopPoller, type Poller } from './poller.ts'
import type { ReaderPorts } from './reader-ports.ts'
import type { ReaderState } from './reader-state.ts'
import { takeSnapshot, type Copy, type CopyOrigin, type Replica, type Taken } from './replica.ts'
import { startStream, stopStream, type Stream } from './stream.ts'

/**
 * `starting`: it holds nothing yet. `live`: the hub said within the last 30 s that what it holds is head, or the reader
 * began less than 30 s ago. `stale`: it did not. `refused`: the key may not be used; what is held stays.
 */
export type ReaderPhase = 'starting' | 'live' | 'stale' | 'refused' | 'closed'

export interface ReaderStatus {
  readonly phase: ReaderPhase
  /** The version held, as a token. */
  readonly version: string | null
  /** Milliseconds since what is held was last confirmed; null before the first time. */
  readonly ageMs: number | null
  /** Milliseconds after which the phase is `stale` if nothing is heard. */
  readonly freshForMs: number
  /** Whether the edge has named what is held, since the reader began. */
  readonly isSeen: boolean
  /** Whether a stream is open. */
  readonly isConnected: boolean
  /** What was offered and not taken. */
  readonly refusedCount: number
  /** Why the key was refused. */
  readonly refusal: string | null
  /** Why a connection last failed, and none has worked since. */
  readonly error: string | null
}

export interface Reader {
  /** The newest copy, or null before the first. It is never changed: a newer one takes its place. */
  readonly snapshot: () => Copy | null
  readonly status: () => ReaderStatus
  /** Calls back at each new copy, until what it returns is called. */
  readonly onChange: (listener: (copy: Copy) => void) => () => void
  /** Calls back whenever the status may be another, until what it returns is called. */
  readonly onStatus: (listener: () => void) => () => void
  /** Offers a copy from elsewhere, which is verified as any other. */
  readonly offer: (made: Pick<Copy, 'signedHead' | 'body'>, origin: CopyOrigin) => Promise<Taken>
  /** Begins to follow the environment. */
  readonly start: () => void
  readonly close: () => void
}

/** A key that was refused is tried again after so long, and up to as long again: it may have been too young, or a proxy in the way. */
const refusedMs = 300_000

/** A reader that has begun. */
export function startReader(environment: string, ports: ReaderPorts): Reader {
  const reader = makeReader(environment, ports)
  reader.start()
  return reader
}

export function makeReader(environment: string, ports: ReaderPorts): Reader {
  const changed = makeEvent<Copy>(ports)
  const touched = makeEvent<void>(ports)
  const replica: Replica = { environment, copy: null, refusedCount: 0 }
  const state: ReaderState = {
    replica,
    freshness: makeFreshness(ports.steadyNow()),
    ports: {
      ...ports,
      changed: (copy) => {
        if (copy.origin === 'stream' || copy.origin === 'poll') state.freshness.isSeen = true
        changed.tell(copy)
      },
    },
    phase: 'open',
    refusal: null,
    isConnected: false,
    error: null,
    refuse: (reason) => {
      state.refusal = reason
      paths.stop('refused')
      paths.startAfter(refusedMs * (1 + ports.random()))
      touched.tell()
    },
    accept: () => {
      state.refusal = null
      state.error = null
    },
    touch: touched.tell,
  }
  const paths = makePaths(state)
  return {
    snapshot: () => replica.copy,
    status: () => statusOf(state),
    onChange: changed.on,
    onStatus: touched.on,
    offer: (made, origin) => takeSnapshot(replica, { ...made, origin }, state.ports),
    start: paths.start,
    close: () => {
      paths.stop('closed')
      touched.tell()
    },
  }
}

/** The stream and the poller, which begin and end together. */
function makePaths(state: ReaderState) {
  let poller: Poller | null = null
  let stream: Stream | null = null
  let cancelTimer: (() => void) | null = null
  const start = () => {
    if (state.phase === 'closed') return
    state.phase = 'open'
    poller = startPoller(state)
    stream = startStream(state, poller)
  }
  return {
    start,
    startAfter: (ms: number) => {
      cancelTimer = state.ports.setTimer(ms, start)
    },
    stop: (phase: 'refused' | 'closed') => {
      state.phase = phase
      cancelTimer?.()
      if (poller) stopPoller(poller)
      if (stream) stopStream(stream)
    },
  }
}

function makeEvent<T>({ report }: ReaderPorts) {
  const listeners = new Set<(what: T) => void>()
  return {
    on: (listener: (what: T) => void) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    tell: (what: T) => {
      // Of a copy: one that adds itself again would be told for ever.
      for (const listener of Array.from(listeners)) {
        if (!listeners.has(listener)) continue
        try {
          listener(what)
        } catch (cause) {
          // The copy is held already, and the other listeners must still hear of it.
          report(`a listener failed: ${String(cause)}`)
        }
      }
    },
  }
}

function statusOf({ replica, freshness, ports, ...state }: ReaderState): ReaderStatus {
  const age = ageMs(freshness, ports.steadyNow())
  const open = replica.copy ? (age > staleMs ? 'stale' : 'live') : 'starting'
  const phase = state.phase === 'open' && state.refusal !== null ? 'refused' : state.phase
  return {
    phase: phase === 'open' ? open : phase,
    version: replica.copy?.token ?? null,
    ageMs: freshness.isConfirmed ? age : null,
    freshForMs: Math.max(0, staleMs - age),
    isSeen: freshness.isSeen || freshness.isConfirmed,
    isConnected: state.isConnected,
    refusedCount: replica.refusedCount,
    refusal: state.refusal,
    error: state.error,
  }
}
