/** The world of a view on the platform: the hub, KV, the location's cache, the clock. */
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeHeadVerifier, parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import { kvNames, type ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import type { EdgeEnv } from './env.ts'
import type { LocationCache, ViewPorts } from './view-state.ts'

/** What of the platform is no binding. `now` is epoch milliseconds. */
export interface Platform {
  readonly now: () => number
  readonly caches: Pick<CacheStorage, 'open'>
}

const kvCacheTtlSec = 30
const cacheName = 'halyard'

/** All but `defer`, which belongs to a request. */
export function makeViewPorts(env: EdgeEnv, { now, caches }: Platform): Omit<ViewPorts, 'defer'> {
  const trusted = parseTrustedKeys(env.TRUSTED_KEYS)
  return {
    readHub: async (environment, held) => copyOut(await env.HUB.read(environment, held)),
    readKv: async (kind, environment) =>
      await env.SNAPSHOTS.get(kvNames[kind](environment), { type: 'text', cacheTtl: kvCacheTtlSec }),
    readHubBlob: async (environment, hash) => released(await env.HUB.blob(environment, hash)),
    readKvBlob: async (environment, hash) => {
      const value = await env.SNAPSHOTS.get(kvNames.blob(environment, hash), {
        type: 'arrayBuffer',
        cacheTtl: kvCacheTtlSec,
      })
      return value === null ? null : new Uint8Array(value)
    },
    cache: makeLocationCache(caches, trusted.map(({ kid }) => kid).join('+')),
    verify: makeHeadVerifier(trusted),
    hash: sha256Hex,
    now,
    random: Math.random,
    sleep,
    report: (environment, what) => console.warn(what, { environment }),
  }
}

/** A timer that nobody waits for any more would count among those that a request may have. */
function sleep(ms: number, calledOff?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    calledOff?.addEventListener('abort', () => clearTimeout(timer))
  })
}

/** Installations that trust other signers may share a zone and its cache: each has names of its own. */
function makeLocationCache(caches: Platform['caches'], signers: string): LocationCache {
  const urlOf = (name: string) => `https://halyard.invalid/${encodeURIComponent(signers)}/${name}`
  return {
    read: async (name) => {
      const cache = await caches.open(cacheName)
      const found = await cache.match(urlOf(name))
      // Whatever else may be answered there: only what was put is data.
      return found?.status === 200 ? new Uint8Array(await found.arrayBuffer()) : null
    },
    write: async (name, content, maxAgeSec) => {
      const cache = await caches.open(cacheName)
      const headers = { 'Cache-Control': `max-age=${maxAgeSec}` }
      await cache.put(urlOf(name), new Response(content, { headers }))
    },
  }
}

/** What a call to another Worker gives holds resources of that call until it is disposed of; what it says stays. */
function released<Result extends object>(result: Result | null): Result | null {
  ;(result as Partial<Disposable> | null)?.[Symbol.dispose]?.() // the runtime adds it
  return result
}

/** Without what the runtime added, which would stay as long as the answer. */
function copyOut(answer: ReadAnswer | null): ReadAnswer | null {
  if (answer === null) return null
  const { signedHead, confirmedAt, body, access, deltas } = answer
  released(answer)
  return {
    signedHead,
    confirmedAt,
    ...(body !== undefined && { body }),
    ...(deltas !== undefined && { deltas }),
    ...(access !== undefined && { access }),
  }
}
