import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeHeadVerifier, parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import { kvNames, parseKvValue } from '@halyard/shared/protocol/hub.ts'
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
    readHub: (environment, held) => env.HUB.read(environment, held),
    readKv: async (kind, environment) => {
      const value = await env.SNAPSHOTS.get(kvNames[kind](environment), {
        type: 'text',
        cacheTtl: kvCacheTtlSec,
      })
      return value === null ? null : parseKvValue(value)
    },
    verify: makeHeadVerifier(parseTrustedKeys(env.TRUSTED_KEYS)),
    hash: sha256Hex,
    now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    // oxlint-disable-next-line no-console -- the log of the platform
    report: (environment, what) => console.warn(what, { environment }),
  }
  return (request: Request, ctx: Defer): Promise<Response> =>
    answer({ request, edge, ports: { ...shared, defer: (work) => ctx.waitUntil(work) } })
}
