/** The hub's decisions, as functions of what is stored and the time: the object only carries them out. */
import type { Head } from '@halyard/shared/protocol/head.ts'
import { compareVersions, formatVersion } from '@halyard/shared/protocol/version.ts'

export type Verdict = 'apply' | 'unchanged' | 'behind' | 'conflict'

/** How one KV value stands. */
export interface KvState {
  /** What the last successful write held (see `wantedKv`); null before the first. */
  readonly written: string | null
  /** No write before this moment, epoch milliseconds. */
  readonly notBefore: number
  /** Failed writes since the last success. */
  readonly failures: number
}

export type KvKind = 'snapshot' | 'access'

/** KV takes one write a second for a key. */
export const kvIntervalMs = 1000
const kvBackoffMaxMs = 60_000

/** What becomes of a publication whose head is `incoming`, given the head that is held at this moment. */
export function judge(held: Head | null, incoming: Head): Verdict {
  if (!held) return 'apply'
  const order = compareVersions(incoming, held)
  if (order !== 0) return order < 0 ? 'behind' : 'apply'
  return incoming.snapshotHash === held.snapshotHash && incoming.accessHash === held.accessHash
    ? 'unchanged'
    : 'conflict'
}

/** What a KV value should hold: the snapshot's moves with every version, the access record's with its content. */
export function wantedKv(kind: KvKind, head: Head): string {
  return kind === 'snapshot' ? formatVersion(head) : head.accessHash
}

/** When the value is to be written, or null if it holds what it should. */
export function kvDueAt(state: KvState, wanted: string): number | null {
  return state.written === wanted ? null : state.notBefore
}

export function kvWritten(wanted: string, now: number): KvState {
  return { written: wanted, notBefore: now + kvIntervalMs, failures: 0 }
}

/** Doubling waits from two seconds to a minute. */
export function kvFailed(state: KvState, now: number): KvState {
  const failures = state.failures + 1
  const wait = Math.min(kvIntervalMs * 2 ** failures, kvBackoffMaxMs)
  return { written: state.written, notBefore: now + wait, failures }
}

/** The earliest of some due times, where null is never. */
export function earliest(times: readonly (number | null)[]): number | null {
  return times.reduce(
    (first, time) => (time !== null && (first === null || time < first) ? time : first),
    null,
  )
}
