/** What the isolates of a location share, so that a new one need not wait for the edge. */
import { parseCopy, type SavedCopy } from '../sync/saved-copy.ts'

export interface CopyCache {
  /** Null: there is none, or it cannot be read. Never rejects. */
  readonly readCopy: () => Promise<CachedCopy | null>
  /** `confirmedAt` is when the edge last said that it is the newest, in epoch milliseconds. Never rejects. */
  readonly writeCopy: (text: string, confirmedAt: number) => Promise<void>
}

export interface CachedCopy extends SavedCopy {
  readonly confirmedAt: number
}

/** The part of the Cache API that is needed: types of Workers are not for everyone who compiles this. */
interface Caches {
  readonly open: (name: string) => Promise<{
    readonly match: (url: string) => Promise<Response | undefined>
    readonly put: (url: string, response: Response) => Promise<void>
  }>
}

const confirmedHeader = 'halyard-confirmed-at'
/** Last-known-good has no lifetime: this is for the cache, which asks for one. */
const lifetimeSec = 30 * 24 * 3_600

/** The cache of an environment at an edge. Where the platform has none, nothing is kept. */
export function openCopyCache({ edge, environment }: { edge: string; environment: string }): CopyCache {
  const { caches } = globalThis as unknown as { readonly caches?: Caches } // a Worker has it; a test may not
  const url = `${edge}/.halyard-sdk/${environment}`
  return {
    readCopy: async () => {
      try {
        const cache = await caches?.open('halyard-sdk')
        const found = await cache?.match(url)
        const copy = found ? parseCopy(await found.text()) : null
        return copy && { ...copy, confirmedAt: Number(found?.headers.get(confirmedHeader)) }
      } catch {
        return null // the edge has it
      }
    },
    writeCopy: async (text, confirmedAt) => {
      try {
        const headers = { 'cache-control': `max-age=${lifetimeSec}`, [confirmedHeader]: String(confirmedAt) }
        const cache = await caches?.open('halyard-sdk')
        await cache?.put(url, new Response(text, { headers }))
      } catch {
        // A later request tries again; until then new isolates ask the edge.
      }
    },
  }
}
