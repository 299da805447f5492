/** The hub's decisions, as functions of what is stored and the time: the object only carries them out. */
import type { Head } from '@halyard/shared/protocol/head.ts'
import { compareVersions, formatVersion } from '@halyard/shared/protocol/version.ts'

export type Verdict = 'apply' | 'unchanged' | 'behind' | 'conflict'

/** How one KV value stands. */
export interface KvState {
  /** What the last write held (see `wantedKv`); null before the first, and after one that failed: it may yet land. */
  readonly written: string | null
  /** No write before this moment, epoch milliseconds. */
  readonly notBefore: number
  /** Failed writes since the last success that is sure: one that came after a failure is repeated. */
  readonly failures: number
}

export type KvKind = 'snapshot' | 'access'

/** KV takes one write a second for a key. */
export const kvIntervalMs = 1000
const kvBackoffMaxMs = 60_000
/** A write that was called failed may land after the one that made up for it: so long after, that one is repeated. */
export const kvRepeatMs = 60_000
/** A write that was begun is over by then; if its object died, another is begun. */
export const kvUnderWayMs = 15_000

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
  if (state.written !== wanted) return state.notBefore
  return state.failures > 0 ? state.notBefore + kvRepeatMs : null
}

/** Until it is known what becomes of the write no other is begun, and if that is never known it counts as failed. */
export function kvBegun(state: KvState, now: number): KvState {
  return { written: null, notBefore: now + kvUnderWayMs, failures: state.failures + 1 }
}

/** After it was begun from that state. */
export function kvWritten(state: KvState, wanted: string, now: number): KvState {
  const isRepeated = state.written === wanted
  return { written: wanted, notBefore: now + kvIntervalMs, failures: isRepeated ? 0 : state.failures }
}

/** Doubling waits from two seconds to a minute. */
export function kvFailed(state: KvState, now: number): KvState {
  const failures = state.failures + 1
  const wait = Math.min(kvIntervalMs * 2 ** failures, kvBackoffMaxMs)
  return { written: null, notBefore: now + wait, failures }
}

/** The earliest of some due times, where null is never. */
export function earliest(times: readonly (number | null)[]): number | null {
  return times.reduce(
    (first, time) => (time !== null && (first === null || time < first) ? time : first),
    null,
  )
}
