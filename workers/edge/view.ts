/**
 * What one isolate holds of one environment, and how fresh that is. Clock and I/O come as arguments, so that a
 * simulator can run it.
 *
 * Age is counted from the moment the hub last said "this is head". Up to 1 s: answer at once. Up to 2 s: answer at once
 * and confirm behind the answer, so that a busy environment never gets older. Older: confirm first, for 50 ms at most,
 * or 300 ms if it is old; then answer from what there is.
 */
import { adoptFromHub, adoptFromKv } from './adopt.ts'
import { coldDeadlineMs, flightMaxMs, inTime, waitFor } from './flight.ts'
import type { Flight, View, ViewPorts } from './view-state.ts'

export const youngMs = 1_000
export const freshMs = 2_000
export const oldMs = 30_000
/** How long an answer waits for a confirmation. */
export const confirmDeadlineMs = { stale: 50, old: 300 }
export const checksPerSecond = 4
const hubTimeoutMs = { cold: 1_500, warm: 10_000 }
const kvTimeoutMs = 1_500
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
  const flight = check(view, ports)
  if (!flight || (!isCold && age <= freshMs)) return null
  const deadlineMs = isCold ? coldDeadlineMs : age <= oldMs ? confirmDeadlineMs.stale : confirmDeadlineMs.old
  return waitFor(flight, deadlineMs, ports)
}

/** Whether the hub has just been asked: what is not here is nowhere. */
export function isCurrent(view: View, now: number): boolean {
  return now - view.answeredAt <= freshMs
}

/** Asks the hub again whatever the age: something is missing that a newer version may hold. */
export async function recheck(view: View, ports: ViewPorts): Promise<void> {
  const flight = check(view, ports)
  if (flight) await waitFor(flight, confirmDeadlineMs.old, ports)
}

/** Joins the check that is under way or starts one; null if there were enough of them in this second. */
function check(view: View, ports: ViewPorts): Flight | null {
  const now = ports.now()
  if (view.flight && now - view.flight.startedAt < flightMaxMs) return view.flight
  const recent = view.checkStarts.filter((start) => now - start < 1000)
  if (recent.length >= checksPerSecond) return null
  view.checkStarts = [...recent, now]
  const flight: Flight = { startedAt: now, landed: refresh(view, ports).finally(() => land(view, flight)) }
  view.flight = flight
  ports.defer(flight.landed)
  return flight
}

function land(view: View, flight: Flight): void {
  if (view.flight === flight) view.flight = null
}

/** One round through the sources: the hub, and KV if the hub has no answer that can be used. Never rejects. */
async function refresh(view: View, ports: ViewPorts): Promise<void> {
  if (await refreshFromHub(view, ports)) return
  const now = ports.now()
  const isCold = !view.copy || !view.access
  if (!isCold && (ageMs(view, now) <= oldMs || now - view.kvReadAt < kvIntervalMs)) return
  view.kvReadAt = now
  await Promise.all([refreshFromKv(view, 'snapshot', ports), refreshFromKv(view, 'access', ports)])
}

async function refreshFromHub(view: View, ports: ViewPorts): Promise<boolean> {
  const { copy, access } = view
  try {
    const answer = await inTime(
      ports.readHub(view.environment, {
        ...(copy && { snapshotHash: copy.head.snapshotHash }),
        ...(access && { accessHash: access.hash }),
      }),
      copy && access ? hubTimeoutMs.warm : hubTimeoutMs.cold,
      ports,
    )
    view.hub = answer ? 'answered' : 'absent'
    if (!answer || !(await adoptFromHub(view, answer, ports))) return false
    view.answeredAt = ports.now()
    return true
  } catch (cause) {
    // The next source may have it; what is held stays.
    view.hub = 'failed'
    ports.report(view.environment, `the hub did not answer: ${String(cause)}`)
    return false
  }
}

async function refreshFromKv(view: View, kind: 'snapshot' | 'access', ports: ViewPorts): Promise<void> {
  try {
    const value = await inTime(ports.readKv(kind, view.environment), kvTimeoutMs, ports)
    if (value) await adoptFromKv(view, kind, value, ports)
  } catch (cause) {
    // It was the last source: what is held stays.
    ports.report(view.environment, `KV did not answer: ${String(cause)}`)
  }
}
