import { setTimeout as wait } from 'node:timers/promises'

/** Looks until it is so, or time is up; answers how long it took in milliseconds, or null. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  withinMs: number,
): Promise<number | null> {
  const start = performance.now()
  for (;;) {
    if (await isSo()) return performance.now() - start // oxlint-disable-line no-await-in-loop -- looks again
    if (performance.now() - start > withinMs) return null
    await wait(25) // oxlint-disable-line no-await-in-loop
  }
}
