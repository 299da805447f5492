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
import { refreshFromHub, refreshFromLocation, refreshFromStores } from './view-sources.ts'
import type { Check, View, ViewPorts } from './view-state.ts'

export const youngMs = 1_000
export const freshMs = 2_000
export const oldMs = 30_000
/** How long an answer waits for a confirmation. */
export const confirmDeadlineMs = { stale: 50, old: 300 }
export const checksPerSecond = 4
/** A word of the hub that is this old is as good as asking: so a location asks four times a second at most. */
export const recentMs = 250
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
  const flight = check(view, false, ports)
  if (!flight || (!isCold && age <= freshMs)) return null
  const deadlineMs = isCold ? coldDeadlineMs : age <= oldMs ? confirmDeadlineMs.stale : confirmDeadlineMs.old
  return waitFor(flight, deadlineMs, ports)
}

/** Whether the hub has just been asked: what is not here is nowhere. */
export function isCurrent(view: View, now: number): boolean {
  return now - view.answeredAt <= freshMs
}

/** Asks the hub again whatever the age, or hears what it said just now: something is missing that is perhaps newer. */
export async function recheck(view: View, ports: ViewPorts): Promise<void> {
  const joined = check(view, true, ports)
  if (!joined) return
  await waitFor(joined, confirmDeadlineMs.old, ports)
  if (joined.isExact || ports.now() - view.answeredAt <= recentMs) return
  // That one was content with an older word.
  const own = check(view, true, ports)
  if (own && own !== joined) await waitFor(own, confirmDeadlineMs.old, ports)
}

/**
 * Rechecks until that is found, or the hub's word is no older than the question, which takes a moment longer than asking.
 * For what must not be denied by a word that was given before it came to be.
 */
export async function recheckFor(view: View, isFound: () => boolean, ports: ViewPorts): Promise<void> {
  const start = ports.now()
  await recheck(view, ports)
  const wordAgeMs = start - view.answeredAt
  if (isFound() || wordAgeMs <= 0 || wordAgeMs > recentMs) return
  await ports.sleep(recentMs - wordAgeMs + 1)
  await recheck(view, ports)
}

/** Joins the check that is under way or starts one; null if there were enough of them in this second. */
function check(view: View, isExact: boolean, ports: ViewPorts): Check | null {
  const now = ports.now()
  if (view.flight && now - view.flight.startedAt < flightMaxMs) return view.flight
  const recent = view.checkStarts.filter((start) => now - start < 1000)
  if (recent.length >= checksPerSecond) return null
  view.checkStarts = [...recent, now]
  const landed = refresh(view, isExact, ports).finally(() => land(view, flight))
  const flight: Check = { startedAt: now, isExact, landed }
  view.flight = flight
  ports.defer(flight.landed)
  return flight
}

function land(view: View, flight: Check): void {
  if (view.flight === flight) view.flight = null
}

/** One round through the sources, the next where one has no answer that can be used. Never rejects. */
async function refresh(view: View, isExact: boolean, ports: ViewPorts): Promise<void> {
  const isEnough = (word: Confirmation) =>
    isExact ? ports.now() - word.confirmedAt <= recentMs : isFreshWord(view, word, ports)
  if (await refreshFromLocation(view, isEnough, ports)) return
  if (await refreshFromHub(view, ports)) return
  const now = ports.now()
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
