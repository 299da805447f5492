/**
 * How long ago the hub said that what a reader holds is head. The hub's clock is not ours, and a relay that cannot ask
 * the hub repeats the old word: so what counts is that a word is newer than the one before it on the same connection.
 */
export interface Freshness {
  /** By our clock. Before the first confirmation, when the reader began to wait for one. */
  confirmedAt: number
  isConfirmed: boolean
  /** Whether the edge has named what is held, though how long ago that was so is not known. */
  isSeen: boolean
  /** How far the hub's clock was ahead of ours when a word was last seen to be new; null before. */
  aheadMs: number | null
}

/** The last word that was heard on a connection, by the hub's clock; null before the first. */
export interface Heartbeats {
  hubAt: number | null
}

/** No confirmation for so long: the reader says that it is stale. */
export const staleMs = 30_000

export function makeFreshness(now: number): Freshness {
  return { confirmedAt: now, isConfirmed: false, isSeen: false, aheadMs: null }
}

/**
 * A stream said that what is held was head at `hubAt` (the hub's clock). Nothing tells how old the first word of a
 * connection is, but what was known of the hub's clock before; the first of all confirms nothing.
 */
export function hearHeartbeat(
  freshness: Freshness,
  heartbeats: Heartbeats,
  heard: { readonly hubAt: number; readonly now: number },
): void {
  const { hubAt, now } = heard
  const before = heartbeats.hubAt
  heartbeats.hubAt = hubAt
  if (before !== null && hubAt > before) {
    freshness.aheadMs = hubAt - now
    confirm(freshness, now)
  } else if (before === null && freshness.aheadMs !== null) {
    confirm(freshness, Math.min(now, hubAt - freshness.aheadMs))
  }
}

/** An answer said that what is held was head at that moment of our clock. */
export function confirm(freshness: Freshness, at: number): void {
  freshness.confirmedAt = freshness.isConfirmed ? Math.max(freshness.confirmedAt, at) : at
  freshness.isConfirmed = true
}

export function ageMs({ confirmedAt }: Freshness, now: number): number {
  return Math.max(0, now - confirmedAt)
}
