/** Waiting times between tries: full jitter, doubling from a first bound to a last one. */
export interface BackOff {
  /** Milliseconds until the next try, at least what the server asked for. */
  readonly next: (askedMs?: number) => number
  readonly reset: () => void
}

export function makeBackOff(firstMs: number, lastMs: number, random: () => number = Math.random): BackOff {
  let tries = 0
  return {
    next: (askedMs = 0) => {
      const boundMs = Math.min(lastMs, firstMs * 2 ** tries)
      tries += 1
      return Math.max(askedMs, Math.round(random() * boundMs))
    },
    reset: () => {
      tries = 0
    },
  }
}

/** `Retry-After` as milliseconds: seconds, or an HTTP date; null if there is none to be read. */
export function readRetryAfter(text: string | null | undefined, nowMs: number): number | null {
  if (text === null || text === undefined) return null
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs)
}
