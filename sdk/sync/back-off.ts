/** How long to wait before the next try. */
export interface BackOff {
  /** Milliseconds: a wait of full jitter, on top of what the server asked for. */
  readonly next: (askedMs?: number) => number
  /** What was tried has worked for long enough: begin anew with short waits. */
  readonly reset: () => void
}

/** The longest wait that a server may ask for. */
const askedMaxMs = 3_600_000

/**
 * Waits of full jitter: evenly from nothing to a bound that doubles from `firstMs` to `lastMs`. Source: Exponential
 * Backoff And Jitter, AWS Architecture Blog, 2015.
 */
export function makeBackOff(firstMs: number, lastMs: number, random: () => number): BackOff {
  let tries = 0
  return {
    next: (askedMs = 0) => {
      const boundMs = Math.min(lastMs, firstMs * 2 ** tries)
      tries += 1
      return Math.min(askedMs, askedMaxMs) + Math.round(random() * boundMs)
    },
    reset: () => {
      tries = 0
    },
  }
}
