import type { Posted } from '../events/event-sender.ts'
import type { Send } from './edge-fetch.ts'
import { readRetryAfter } from './retry-after.ts'

const timeoutMs = 5_000

/** Makes `post` of an edge (its origin) for a key: `POST /v1/events`. */
export function makeEventPost(
  edge: string,
  key: string,
  send: Send = fetch,
): (body: string) => Promise<Posted> {
  return async (body) => {
    try {
      const response = await send(new URL('/v1/events', edge), {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      })
      await response.body?.cancel()
      const { status, headers } = response
      if (status === 202) return { kind: 'taken' }
      // Of anything else another try may be taken: a key may be a minute too young, and a proxy may be in the way.
      if (status === 400 || status === 413) return { kind: 'refused', reason: `the edge answered ${status}` }
      return { kind: 'later', retryAfterMs: readRetryAfter(headers.get('retry-after'), Date.now()) ?? 0 }
    } catch {
      return { kind: 'later', retryAfterMs: 0 } // it cannot be reached
    }
  }
}
