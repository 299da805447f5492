/** Waiting for flags. */
export interface Readiness {
  /** Whether there were flags within so long. */
  readonly wait: (timeoutMs: number) => Promise<boolean>
  /** There are, or there will be none for now. */
  readonly settle: (isReady: boolean) => void
}

/** The longest that a timer can run. */
const timeoutMaxMs = 2 ** 31 - 1

export function makeReadiness(): Readiness {
  const waiting = new Set<(isReady: boolean) => void>()
  return {
    wait: (timeoutMs) =>
      new Promise((resolve) => {
        const done = (isReady: boolean) => {
          clearTimeout(timer)
          waiting.delete(done)
          resolve(isReady)
        }
        // This one keeps the process alive: somebody waits.
        const timer = setTimeout(done, Math.min(Math.max(0, timeoutMs), timeoutMaxMs), false)
        waiting.add(done)
      }),
    settle: (isReady) => {
      // A set may lose what it is being walked over.
      for (const done of waiting) done(isReady)
    },
  }
}
