import type { Send } from './edge-fetch.ts'

export interface EndingFetch {
  readonly send: Send
  /** Aborts what is under way, and refuses what comes later. */
  readonly end: () => void
}

/** The platform's `fetch` for requests with a time limit (`signal`), which can be ended for all of them at once. */
export function makeEndingFetch(): EndingFetch {
  const open = new Set<AbortController>()
  let isOver = false
  return {
    send: async (url, init) => {
      const { signal } = init
      if (isOver) throw new Error('the client is closed')
      const abort = new AbortController()
      open.add(abort)
      // Until then the body may still come. `AbortSignal.any` would do, but leaks in some versions of Node 20 and 22.
      const expire = () => {
        open.delete(abort)
        abort.abort(signal?.reason)
      }
      signal?.addEventListener('abort', expire, { once: true })
      return await fetch(url, { ...init, signal: abort.signal })
    },
    end: () => {
      isOver = true
      for (const abort of open) abort.abort(new Error('the client is closed'))
      open.clear()
    },
  }
}
