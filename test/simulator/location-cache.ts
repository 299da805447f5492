/** The Cache API of one location: what it holds may vanish, and it may fail or hang. */
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'

type Content = string | Uint8Array<ArrayBuffer>

export interface SharedCache {
  readonly read: (name: string) => Promise<Uint8Array<ArrayBuffer> | null>
  readonly write: (name: string, content: Content, maxAgeSec: number) => Promise<void>
  /** How likely it fails. */
  failed: number
}

export function makeSharedCache(clock: Clock, chance: Chance): SharedCache {
  const held = new Map<string, { readonly bytes: Uint8Array<ArrayBuffer>; readonly until: number }>()
  const reach = async () => {
    await clock.sleep(chance.between(0, 5))
    if (!chance.hits(cache.failed)) return
    if (chance.hits(0.3)) await clock.sleep(chance.between(100, 20_000))
    throw new Error('the cache did not answer')
  }
  const cache: SharedCache = {
    failed: 0,
    read: async (name) => {
      await reach()
      const found = held.get(name)
      if (found && (found.until <= clock.now() || chance.hits(0.01))) held.delete(name)
      return held.get(name)?.bytes ?? null
    },
    write: async (name, content, maxAgeSec) => {
      await reach()
      const bytes = typeof content === 'string' ? new Uint8Array(new TextEncoder().encode(content)) : content
      held.set(name, { bytes, until: clock.now() + maxAgeSec * 1_000 })
    },
  }
  return cache
}
