/** Asking the hub for what it has perhaps by now, until it is there or the time is up. */
import { pauseMaxMs, pauseMs } from './view-pace.ts'
import type { View, ViewPorts } from './view-state.ts'
import { confirmDeadlineMs, recheck, type Recheck } from './view.ts'

/** However many requests wait for it, they join the same questions; each has its own timers, since any may die. */
export async function pursue(
  view: View,
  isFound: () => boolean,
  { isEager, untilMs }: Recheck,
  ports: ViewPorts,
): Promise<void> {
  /* oxlint-disable no-await-in-loop -- each round may be enough */
  while (!isFound()) {
    const now = ports.now()
    const waitMs = pauseMs(view, isEager, now)
    if (now + waitMs >= untilMs) return
    if (waitMs > 0) await ports.sleep(waitMs)
    else await recheck(view, { isEager, untilMs }, ports)
  }
  /* oxlint-enable no-await-in-loop */
}

/**
 * Rechecks until that is found, or the hub's word is no older than the question, which takes a moment longer than asking.
 * For what must not be denied by a word that was given before it came to be.
 */
export async function recheckFor(view: View, isFound: () => boolean, ports: ViewPorts): Promise<void> {
  const start = ports.now()
  const isSettled = () => isFound() || view.answeredAt >= start
  await pursue(
    view,
    isSettled,
    { isEager: false, untilMs: start + pauseMaxMs + confirmDeadlineMs.old },
    ports,
  )
}
