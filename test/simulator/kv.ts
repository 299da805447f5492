/** Workers KV: one write a second for a key, locations that learn of writes late or not at all, absence cached too. */
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'

export interface Kv {
  /** Rejects when it was too soon after the last write of that key, or time was up: it may land all the same. */
  readonly put: (key: string, value: string) => Promise<void>
  readonly delete: (key: string) => Promise<void>
  readonly at: (location: string) => KvLocation
  weather: KvWeather
}

export interface KvWeather {
  /** How likely a write fails, or fails but lands, and a read fails. */
  readonly failed: number
  /** How long a write takes to reach a location, at most. */
  readonly lagMaxMs: number
}

export interface KvLocation {
  readonly read: (key: string) => Promise<string | null>
  /** Nothing reaches it before this moment. */
  frozenUntil: number
}

interface Landed {
  readonly at: number
  readonly value: string | null
  /** When each location may see it. */
  readonly lagMs: number
}

interface Cached {
  readonly value: string | null
  readonly until: number
}

const cacheTtlMs = 30_000
const intervalMs = 1_000
export const calmKv: KvWeather = { failed: 0, lagMaxMs: 2_000 }

export function makeKv(clock: Clock, chance: Chance): Kv {
  const landings = new Map<string, Landed[]>()
  const locations = new Map<string, KvLocation>()
  const land = (key: string, value: string | null) => {
    const lagMs = chance.between(0, kv.weather.lagMaxMs)
    landings.set(key, [...(landings.get(key) ?? []).slice(-20), { at: clock.now(), value, lagMs }])
  }
  const write = async (key: string, value: string | null) => {
    await clock.sleep(chance.between(5, 100))
    const last = landings.get(key)?.at(-1)
    if (last && clock.now() - last.at < intervalMs) throw new Error('429: too many writes of that key')
    if (!chance.hits(kv.weather.failed)) return land(key, value)
    if (chance.hits(0.5)) clock.after(chance.between(0, 20_000), () => land(key, value))
    throw new Error('KV did not answer')
  }
  const kv: Kv = {
    weather: calmKv,
    put: (key, value) => write(key, value),
    delete: (key) => write(key, null),
    at: (name) => {
      const location = locations.get(name) ?? makeLocation(kv, landings, { clock, chance })
      locations.set(name, location)
      return location
    },
  }
  return kv
}

function makeLocation(
  kv: Kv,
  landings: ReadonlyMap<string, readonly Landed[]>,
  { clock, chance }: { readonly clock: Clock; readonly chance: Chance },
): KvLocation {
  const cache = new Map<string, Cached>()
  const location: KvLocation = {
    frozenUntil: -Infinity,
    read: async (key) => {
      await clock.sleep(chance.between(1, 50))
      if (chance.hits(kv.weather.failed)) {
        if (chance.hits(0.3)) await clock.sleep(chance.between(1_000, 20_000))
        throw new Error('KV did not answer')
      }
      const now = clock.now()
      const cached = cache.get(key)
      if (cached && (cached.until > now || location.frozenUntil > now)) return cached.value
      const seen = (landings.get(key) ?? []).findLast(({ at, lagMs }) => at + lagMs <= now)
      const value = location.frozenUntil > now ? null : (seen?.value ?? null)
      cache.set(key, { value, until: now + cacheTtlMs })
      return value
    },
  }
  return location
}
