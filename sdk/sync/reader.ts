/**
 * A reader of one environment: it holds the newest copy that it could get and verify, over a stream, and by polling
 * where the stream does not do. Without I/O of its own.
 */
import { ageMs, makeFreshness, staleMs } from './freshness.ts'
import { startPoller, stopPoller } from './poller.ts'
import type { ReaderPorts } from './reader-ports.ts'
import type { ReaderState } from './reader-state.ts'
import type { Copy, Replica } from './replica.ts'
import { startStream, stopStream } from './stream.ts'

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
  /** Whether a stream is open. */
  readonly isConnected: boolean
  /** What was offered and not taken. */
  readonly refusedCount: number
  /** Why the key was refused. */
  readonly refusal: string | null
}

export interface Reader {
  /** The newest copy, or null before the first. It is never changed: a newer one takes its place. */
  readonly snapshot: () => Copy | null
  readonly status: () => ReaderStatus
  /** Calls back at each new copy, until what it returns is called. */
  readonly onChange: (listener: (copy: Copy) => void) => () => void
  readonly close: () => void
}

export function startReader(environment: string, ports: ReaderPorts): Reader {
  const listeners = new Set<(copy: Copy) => void>()
  const changed = (copy: Copy) => {
    for (const listener of listeners) tell(listener, copy, ports)
  }
  const replica: Replica = { environment, copy: null, refusedCount: 0 }
  const state: ReaderState = {
    replica,
    freshness: makeFreshness(ports.now()),
    ports: { ...ports, changed },
    phase: 'open',
    refusal: null,
    isConnected: false,
    refuse: (reason) => {
      state.refusal = reason
      stop('refused')
    },
  }
  const stop = (phase: 'refused' | 'closed') => {
    state.phase = phase
    stopPoller(poller)
    stopStream(stream)
  }
  const poller = startPoller(state)
  const stream = startStream(state, poller)
  return {
    snapshot: () => replica.copy,
    status: () => statusOf(state),
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => stop('closed'),
  }
}

function tell(listener: (copy: Copy) => void, copy: Copy, { report }: ReaderPorts): void {
  try {
    listener(copy)
  } catch (cause) {
    // The copy is held already, and the other listeners must still hear of it.
    report(`a listener failed: ${String(cause)}`)
  }
}

function statusOf({ replica, freshness, ports, phase, refusal, isConnected }: ReaderState): ReaderStatus {
  const age = ageMs(freshness, ports.now())
  const open = replica.copy ? (age > staleMs ? 'stale' : 'live') : 'starting'
  return {
    phase: phase === 'open' ? open : phase,
    version: replica.copy?.token ?? null,
    ageMs: freshness.isConfirmed ? age : null,
    isConnected,
    refusedCount: replica.refusedCount,
    refusal,
  }
}
