import { parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import type { EdgeEnv } from './env.ts'
import { makeEtagMaker } from './etag.ts'
import { formatJwks } from './jwks.ts'
import { answer } from './route.ts'
import type { Edge } from './route-scope.ts'
import { makeStreams } from './streams.ts'
import { makeUsage, usageFlushMs } from './usage.ts'
import { makeViewCache } from './view-cache.ts'
import { makeViewPorts, type Platform } from './view-ports.ts'

/** Keeps work alive behind the answer. */
type Defer = Pick<ExecutionContext, 'waitUntil'>

/** What tests change: clock and caches, and for how long usage is gathered. */
interface EdgeOptions extends Partial<Platform> {
  readonly flushMs?: number
}

/** Makes an edge with nothing in its memory. */
export function makeEdge(env: EdgeEnv, options: EdgeOptions = {}) {
  const { now = Date.now, caches: places = caches, flushMs = usageFlushMs } = options
  const edge: Edge = {
    views: makeViewCache(),
    keyCache: new Map(),
    idCheckSecret: env.ID_CHECK_SECRET,
    makeEtag: makeEtagMaker(env.ETAG_SECRET),
    usage: makeUsage(async (message) => void (await env.EVENTS.send(message)), flushMs),
    streams: makeStreams(env),
    eventBatches: env.EVENT_BATCHES,
    jwks: formatJwks(parseTrustedKeys(env.TRUSTED_KEYS)),
  }
  const shared = makeViewPorts(env, { now, caches: places })
  return (request: Request, ctx: Defer): Promise<Response> =>
    answer({ request, edge, ports: { ...shared, defer: (work) => ctx.waitUntil(work) } })
}
