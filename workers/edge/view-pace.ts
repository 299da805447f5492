/**
 * How often the hub may be asked for what it perhaps has in a moment. A write is answered before it is published, so who
 * asks for its version is mostly some milliseconds early: then asking again soon pays. Who asks for what does not come
 * makes all of an isolate ask ever more slowly.
 */
import type { View } from './view-state.ts'

/** A word of the hub that is this old is as good as asking: so a location asks four times a second at most. */
export const recentMs = 250

/** How old the last word must be before an eager question, by the number of those before it that brought nothing new. */
const eagerGapsMs = [0, 20, 40, 80, 160, recentMs]
const missesMax = eagerGapsMs.length - 1
const patienceShare = 0.5
/** The longest pause. */
export const pauseMaxMs = recentMs * (1 + patienceShare)
const forgottenPerMs = 1 / recentMs

/** How old a word may be for a question of now. */
export function gapMs(view: View, isEager: boolean, now: number): number {
  return isEager ? (eagerGapsMs[Math.ceil(missesAt(view, now))] ?? recentMs) : recentMs
}

/**
 * How long until the hub may be asked. What it failed to answer counts as asked. All isolates of a location hear the same
 * words: the one that asked asks again, the others after a while of their own if it does not.
 */
export function pauseMs(view: View, isEager: boolean, now: number): number {
  const gap = gapMs(view, isEager, now) * (1 + patienceShare * view.patience)
  return Math.max(0, Math.max(view.answeredAt, view.failedAt) + gap - now)
}

/**
 * Counts a check. What brought something new is free: the environment's own writes bound it. At four a second those
 * before are forgotten as fast as new ones come, so that who is not eager slows nobody.
 */
export function noteCheck(view: View, isNew: boolean, now: number): void {
  view.misses = isNew ? 0 : Math.min(missesMax, missesAt(view, now) + 1)
  view.missesAt = now
}

function missesAt({ misses, missesAt: at }: View, now: number): number {
  return Math.max(0, misses - (now - at) * forgottenPerMs)
}
