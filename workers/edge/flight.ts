/** Work under way for several requests at once: joined, waited for with a deadline, forgotten if it never lands. */
import type { Flight, ViewPorts } from './view-state.ts'

/** How long an answer waits for what it cannot do without. */
export const coldDeadlineMs = 3_500
/** A flight whose request died may never land: it is forgotten after this. */
export const flightMaxMs = 15_000

/** A deadline counts from the start of the flight: who comes late to one that hangs does not wait for it again. */
export async function waitFor(flight: Flight, deadlineMs: number, ports: ViewPorts): Promise<void> {
  const restMs = flight.startedAt + deadlineMs - ports.now()
  if (restMs <= 0) return
  const clock = new AbortController()
  await Promise.race([flight.landed, ports.sleep(restMs, clock.signal)])
  clock.abort()
}

/** What the work gives, or a rejection if it takes longer. Nothing can call the work off. */
export async function inTime<T>(work: Promise<T>, timeoutMs: number, ports: ViewPorts): Promise<T> {
  const clock = new AbortController()
  const late = ports.sleep(timeoutMs, clock.signal).then(() => {
    throw new Error(`no answer in ${timeoutMs} ms`)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clock.abort()
  }
}
