/** What a reader needs of the world: clock, randomness and transports come as arguments, so that a simulator can run it. */
import type { Delta } from '@halyard/shared/protocol/delta.ts'
import type { ReplicaPorts } from './replica.ts'

/** How a stream ended, or why it could not be opened. */
export interface StreamEnding {
  /** The status that was answered in the place of an upgrade. */
  readonly status?: number
  /** The close code of a WebSocket. */
  readonly code?: number
  /** What `Retry-After` asked for, in milliseconds. */
  readonly retryAfterMs?: number
  readonly reason: string
}

/** None of these is called before `openStream` has returned, and nothing after `ended`. */
export interface StreamHears {
  readonly opened: () => void
  readonly heard: (text: string) => void
  readonly ended: (ending: StreamEnding) => void
}

export interface StreamConnection {
  readonly send: (text: string) => void
  /** Ends it for us at once, without `ended`. */
  readonly close: () => void
}

/** What is asked of `GET /v1/ruleset`, each a version token. */
export interface RulesetAsk {
  /** Deltas from this version will do. */
  readonly since?: string
  /** An older version will not. */
  readonly minVersion?: string
}

export type RulesetAnswer =
  | {
      readonly kind: 'ruleset'
      readonly signedHead: string
      /** The whole, or what leads to it from the version that was asked about: none if it is the same. */
      readonly content: { readonly body: string } | { readonly deltas: readonly Delta[] }
      /** How long before the answer the hub said that it is head, in milliseconds; null if it did not. */
      readonly ageMs: number | null
    }
  | {
      readonly kind: 'failed'
      readonly status?: number
      readonly retryAfterMs?: number
      readonly reason: string
    }

export interface ReaderPorts extends Omit<ReplicaPorts, 'changed'> {
  /** Milliseconds since whatever moment, which never go back: what is timed by them survives a clock that is set. */
  readonly steadyNow: () => number
  /** `since`: the version held, as a token. */
  readonly openStream: (since: string | null, hears: StreamHears) => StreamConnection
  readonly fetchRuleset: (ask: RulesetAsk) => Promise<RulesetAnswer>
  /** From 0 to below 1. */
  readonly random: () => number
  /** Calls back once after so many milliseconds, unless it is cancelled by what it returns. */
  readonly setTimer: (ms: number, run: () => void) => () => void
}
