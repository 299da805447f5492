import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeHeadVerifier, parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import { kvNames, parseKvValue, type ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import type { EdgeEnv } from './env.ts'
import { makeEtagMaker } from './etag.ts'
import { answer } from './route.ts'
import type { Edge } from './route-scope.ts'
import { makeViewCache } from './view-cache.ts'
import type { ViewPorts } from './view-state.ts'

/** Keeps work alive behind the answer. */
type Defer = Pick<ExecutionContext, 'waitUntil'>

const kvCacheTtlSec = 30

/** Makes an edge with nothing in its memory. `now` is epoch milliseconds. */
export function makeEdge(env: EdgeEnv, now: () => number = Date.now) {
  const edge: Edge = {
    views: makeViewCache(),
    keyCache: new Map(),
    idCheckSecret: env.ID_CHECK_SECRET,
    makeEtag: makeEtagMaker(env.ETAG_SECRET),
    openHubStream: (query) =>
      env.HUB.fetch(`https://hub/stream?${query}`, { headers: { Upgrade: 'websocket' } }),
  }
  const shared: Omit<ViewPorts, 'defer'> = {
    readHub: async (environment, held) => copyOut(await env.HUB.read(environment, held)),
    readKv: async (kind, environment) => {
      const value = await env.SNAPSHOTS.get(kvNames[kind](environment), {
        type: 'text',
        cacheTtl: kvCacheTtlSec,
      })
      return value === null ? null : parseKvValue(value)
    },
    readHubBlob: (environment, hash) => env.HUB.blob(environment, hash),
    readKvBlob: async (environment, hash) => {
      const value = await env.SNAPSHOTS.get(kvNames.blob(environment, hash), {
        type: 'arrayBuffer',
        cacheTtl: kvCacheTtlSec,
      })
      return value === null ? null : new Uint8Array(value)
    },
    verify: makeHeadVerifier(parseTrustedKeys(env.TRUSTED_KEYS)),
    hash: sha256Hex,
    now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    report: (environment, what) => console.warn(what, { environment }),
  }
  return (request: Request, ctx: Defer): Promise<Response> =>
    answer({ request, edge, ports: { ...shared, defer: (work) => ctx.waitUntil(work) } })
}

/** What a call to another Worker gives holds resources of that call until it is disposed of. */
function copyOut(answer: ReadAnswer | null): ReadAnswer | null {
  if (answer === null) return null
  const { signedHead, confirmedAt, body, access } = answer
  ;(answer as Partial<Disposable>)[Symbol.dispose]?.() // the runtime adds it
  return {
    signedHead,
    confirmedAt,
    ...(body !== undefined && { body }),
    ...(access !== undefined && { access }),
  }
}
