import type { AnyFlags } from './flag-types.ts'
import type { EvaluationContext, Flags } from './flags.ts'

/**
 * `starting`: no flags yet. `live`: a stream is open, and what is held was confirmed within 30 s. `polling`: it was
 * confirmed within 30 s, without a stream. `stale`: it was not. `offline`: nobody has confirmed what is held since the
 * client was made, or the key was refused. `closed`: `close` was called; what is held stays in use.
 */
export type ClientState = 'starting' | 'live' | 'polling' | 'stale' | 'offline' | 'closed'

/** Where what is held came from. */
export type FlagOrigin = 'bootstrap' | 'store' | 'stream' | 'poll' | 'file' | 'memory'

export interface ClientStatus {
  readonly state: ClientState
  readonly version: string | null
  readonly origin: FlagOrigin | null
  /** Milliseconds since what is held was last confirmed as the newest; null before the first time. */
  readonly ageMs: number | null
  /** Why the key was refused, or a connection last failed. */
  readonly error?: string
  /** The key was refused, and is not tried again. */
  readonly isRefused?: true
}

export interface FlagChange {
  readonly version: string | null
  /** The keys of the flags whose answers may be others now. */
  readonly flags: readonly string[]
}

/** What happened, for metrics: OpenFeature's tracking event details. */
export interface TrackingDetails {
  readonly value?: number | undefined
}

/** What logs are written to: `console` will do. */
export interface Logger {
  readonly debug: (message: string) => void
  readonly warn: (message: string) => void
  readonly error: (message: string) => void
}

/** Flags that follow their environment. Every call sees the newest; `snapshot` keeps one version. */
export interface FlagClient<F extends object = AnyFlags> extends Flags<F> {
  /** Whether there are flags, waited for at most so long (5 s if left out). Never rejects: defaults are given meanwhile. */
  ready(options?: { readonly timeoutMs?: number | undefined }): Promise<boolean>
  status(): ClientStatus
  /** The flags as they are now, for one request: a later change does not show. `context` is merged below that of a call. */
  snapshot(context?: EvaluationContext): Flags<F>
  /** Calls back until what it returns is called. A listener that throws is logged. */
  on(event: 'change', listener: (change: FlagChange) => void): () => void
  on(event: 'status', listener: (status: ClientStatus) => void): () => void
  /** Counts that something happened, for metrics. */
  track(name: string, context?: EvaluationContext, details?: TrackingDetails): void
  /** Sends what was counted. Never rejects. */
  flush(): Promise<void>
  /** Sends what was counted and lets go of connections and timers. Evaluation goes on with what is held. */
  close(): Promise<void>
}
