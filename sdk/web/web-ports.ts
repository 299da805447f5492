/** What a client needs of the page it is on. */
export interface WebPorts {
  readonly fetch: typeof fetch
  /** Undefined where there is none: then it polls. */
  readonly EventSource: typeof EventSource | undefined
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Milliseconds on a clock that nobody sets. */
  readonly ticks: () => number
  /** From 0 to below 1. */
  readonly random: () => number
  /**
   * Calls back after so many milliseconds, unless what it returns is called first. Where a process would live on for a
   * timer, it does so only for what somebody awaits.
   */
  readonly after: (ms: number, run: () => void, isAwaited?: boolean) => () => void
  readonly isHidden: () => boolean
  /** Listens for an event of the document or window until what it returns is called. */
  readonly onPage: (event: PageEvent, run: () => void) => () => void
}

export type PageEvent = 'visibilitychange' | 'pagehide' | 'pageshow' | 'online'

/** What a timer takes; of more it makes nothing. */
const msMax = 2 ** 31 - 1

/** Those of a browser; what another platform lacks is done without. */
export function makeWebPorts(): WebPorts {
  const { document, EventSource, addEventListener } = globalThis as Partial<typeof globalThis>
  return {
    fetch: (url, init) => fetch(url, init),
    EventSource,
    now: Date.now,
    ticks: () => performance.now(),
    random: Math.random,
    after: (ms, run, isAwaited) => {
      const timer: unknown = setTimeout(run, Math.min(ms, msMax))
      // In Node a timer is an object.
      if (!isAwaited) (timer as { unref?: () => void }).unref?.()
      return () => clearTimeout(timer as number) // what setTimeout gave
    },
    isHidden: () => document?.hidden === true,
    onPage: (event, run) => {
      if (!document || !addEventListener) return () => {}
      const target = event === 'visibilitychange' ? document : globalThis
      target.addEventListener(event, run)
      return () => target.removeEventListener(event, run)
    },
  }
}
