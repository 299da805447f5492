import type { Logger } from '../client/flag-client.ts'

/** Those who want to hear of something. One that throws is logged, and the others are told. */
export interface Listeners<E> {
  readonly add: (listener: (event: E) => void) => () => void
  readonly tell: (event: E) => void
}

export function makeListeners<E>(logger: Logger | undefined): Listeners<E> {
  const listeners = new Set<{ readonly hear: (event: E) => void }>()
  return {
    add: (hear) => {
      const entry = { hear }
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    tell: (event) => {
      for (const { hear } of listeners)
        try {
          hear(event)
        } catch (cause) {
          logger?.error(`halyard: a listener threw ${String(cause)}`)
        }
    },
  }
}
