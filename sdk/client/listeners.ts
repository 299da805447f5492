import { describeCause } from './describe-cause.ts'
import type { Logger } from './flag-client.ts'

export interface Listeners<T> {
  /** How many there are. */
  readonly count: () => number
  readonly on: (listener: (what: T) => void) => () => void
  readonly tell: (what: T) => void
}

/** Those who want to hear of something. What they throw, or reject with, is logged. */
export function makeListeners<T>(name: string, logger: Logger): Listeners<T> {
  const listeners = new Set<{ readonly call: (what: T) => unknown }>()
  const failed = (cause: unknown) => logger.error(`a listener of "${name}" failed: ${describeCause(cause)}`)
  return {
    count: () => listeners.size,
    on: (call) => {
      const listener = { call } // the same function may be given twice
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    tell: (what) => {
      // Of a copy: one that a listener adds is not told of this, else one that adds itself again would be told for ever.
      for (const listener of Array.from(listeners)) {
        if (!listeners.has(listener)) continue
        try {
          const result = listener.call(what)
          if (result instanceof Promise) result.catch(failed)
        } catch (cause) {
          failed(cause)
        }
      }
    },
  }
}
