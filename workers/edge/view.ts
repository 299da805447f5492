/**
 * What one isolate holds of one environment, and how fresh that is. Clock, randomness and I/O come as arguments, so that
 * a simulator can run it.
 *
 * Age is counted from the moment the hub last said "this is head". Up to 1 s: answer at once. Up to 2 s: answer at once
 * and confirm behind the answer, so that a busy environment never gets older. Older: confirm first, for 50 ms at most,
 * or 300 ms if it is old; then answer from what there is.
 */
import type { Confirmation } from '@halyard/shared/protocol/hub.ts'
import { coldDeadlineMs, flightMaxMs, waitFor } from './flight.ts'
import { gapMs, noteCheck, pauseMs } from './view-pace.ts'
import { refreshFromHub, refreshFromLocation, refreshFromStores } from './view-sources.ts'
import type { Check, View, ViewPorts } from './view-state.ts'

/** How to ask again. `untilMs` is the moment (epoch) until which the answer is waited for. */
export interface Recheck {
  /** For what may be there any moment: sooner than `recentMs` after the last word. */
  readonly isEager: boolean
  readonly untilMs: number
}

export const youngMs = 1_000
export const freshMs = 2_000
export const oldMs = 30_000
/** How long an answer waits for a confirmation. */
export const confirmDeadlineMs = { stale: 50, old: 300 }
export const checksPerSecond = 4
/** For how long past young others leave it to the isolate that asked last to ask again. */
const patienceMs = 500
/** KV's own cache lives as long: reading sooner gives the same. */
const kvIntervalMs = 30_000

/** How long ago the hub said that this copy is head. */
export function ageMs(view: View, now: number): number {
  return Math.max(0, now - view.confirmedAt)
}

/** Sees to it that the view is fresh enough to answer from. Null: answer at once. */
export function freshen(view: View, ports: ViewPorts): Promise<void> | null {
  const now = ports.now()
  view.usedAt = now
  const isCold = !view.copy || !view.access
  const age = ageMs(view, now)
  if (!isCold && age <= youngMs) return null
  const flight = check(view, Infinity, ports)
  if (!flight || (!isCold && age <= freshMs)) return null
  const deadlineMs = isCold ? coldDeadlineMs : age <= oldMs ? confirmDeadlineMs.stale : confirmDeadlineMs.old
  return waitFor(flight, deadlineMs, ports)
}

/** Whether the hub has just been asked: what is not here is nowhere. */
export function isCurrent(view: View, now: number): boolean {
  return now - view.answeredAt <= freshMs
}

/** Asks the hub again whatever the age, or hears what it said just now, if the pace allows: something is missing. */
export async function recheck(view: View, how: Recheck, ports: ViewPorts): Promise<void> {
  const now = ports.now()
  if (pauseMs(view, how.isEager, now) > 0) return
  const withinMs = gapMs(view, how.isEager, now)
  const joined = check(view, withinMs, ports)
  if (!joined) return
  await waitFor(joined, how.untilMs - joined.startedAt, ports)
  if (joined.withinMs <= withinMs || ports.now() - view.answeredAt <= withinMs) return
  // That one was content with an older word.
  const own = check(view, withinMs, ports)
  if (own && own !== joined) await waitFor(own, how.untilMs - own.startedAt, ports)
}

/** Joins the check that is under way or starts one; null if there were enough of them in this second. */
function check(view: View, withinMs: number, ports: ViewPorts): Check | null {
  const now = ports.now()
  if (view.flight && now - view.flight.startedAt < flightMaxMs) return view.flight
  const recent = view.checkStarts.filter((start) => now - start < 1000)
  // Rechecks have a pace of their own.
  if (withinMs === Infinity && recent.length >= checksPerSecond) return null
  view.checkStarts = [...recent, now].slice(-checksPerSecond)
  const tokenBefore = view.copy?.token
  const landed = refresh(view, withinMs, ports).finally(() => {
    if (view.flight === flight) view.flight = null
    noteCheck(view, view.copy?.token !== tokenBefore, ports.now())
  })
  const flight: Check = { startedAt: now, withinMs, landed }
  view.flight = flight
  ports.defer(flight.landed)
  return flight
}

/** One round through the sources, the next where one has no answer that can be used. Never rejects. */
async function refresh(view: View, withinMs: number, ports: ViewPorts): Promise<void> {
  const isEnough = (word: Confirmation) =>
    withinMs === Infinity ? isFreshWord(view, word, ports) : ports.now() - word.confirmedAt < withinMs
  if (withinMs > 0 && (await refreshFromLocation(view, isEnough, ports))) {
    view.patience = Math.cbrt(ports.random())
    return
  }
  view.patience = 0
  if (await refreshFromHub(view, ports)) return
  const now = ports.now()
  view.failedAt = now
  const isCold = !view.copy || !view.access
  if (!isCold && (ageMs(view, now) <= oldMs || now - view.kvReadAt < kvIntervalMs)) return
  view.kvReadAt = now
  await refreshFromStores(view, ports)
}

/**
 * A newer word than ours is taken. All isolates of a location come of age with the same word: the one that asked for it
 * asks again, the others only if none does, each after a while of its own, mostly a long one.
 */
function isFreshWord(view: View, { confirmedAt }: Confirmation, ports: ViewPorts): boolean {
  const age = ports.now() - confirmedAt
  if (confirmedAt > view.confirmedAt) return age <= freshMs
  return confirmedAt !== view.ownWordAt && age <= youngMs + patienceMs * Math.cbrt(ports.random())
}
