import { allowOrigins, answerDefect, answerPreflight, answerRefusal } from './answer.ts'
import { freshnessFor } from './authorize.ts'
import { receiveEvents } from './event-routes.ts'
import { evaluateBulk, evaluateOne, evaluateOwn } from './evaluation-routes.ts'
import { readJwks } from './jwks.ts'
import { readStatus } from './reader-routes.ts'
import { Refusal } from './refusal.ts'
import type { RouteScope } from './route-scope.ts'
import { readNamedBlob, readRuleset } from './ruleset-routes.ts'
import { issueCredential, openEventStream, openStream } from './stream-routes.ts'
import { eventStreamPath } from './streams.ts'

interface Route {
  readonly method: 'GET' | 'POST'
  readonly run: (scope: RouteScope, name: string) => Promise<Response>
}

/** What a path leads to; `flag` is the one it names. */
interface Target {
  readonly route: Route | undefined
  readonly name: string
  readonly flag: string | null
}

const bulkPath = '/ofrep/v1/evaluate/flags'
const onePrefix = `${bulkPath}/`
const blobPrefix = '/v1/blobs/'
const oneRoute: Route = { method: 'POST', run: evaluateOne }
const blobRoute: Route = { method: 'GET', run: readNamedBlob }
const routes: ReadonlyMap<string, Route> = new Map([
  [bulkPath, { method: 'POST', run: evaluateBulk }],
  ['/v1/evaluate', { method: 'POST', run: evaluateOwn }],
  ['/v1/ruleset', { method: 'GET', run: readRuleset }],
  ['/v1/stream', { method: 'GET', run: openStream }],
  [eventStreamPath, { method: 'GET', run: openEventStream }],
  ['/v1/stream-credential', { method: 'POST', run: issueCredential }],
  ['/v1/events', { method: 'POST', run: receiveEvents }],
  ['/v1/status', { method: 'GET', run: readStatus }],
  ['/.well-known/jwks.json', { method: 'GET', run: readJwks }],
])

/** Answers a request, whatever it is. */
export async function answer(scope: RouteScope): Promise<Response> {
  const response = await run(scope)
  const isForScript = response.status !== 101 && scope.request.headers.has('Origin')
  return isForScript ? allowOrigins(response) : response
}

async function run(scope: RouteScope): Promise<Response> {
  const path = pathOf(scope.request.url)
  const { route, name, flag } = targetOf(path)
  try {
    if (!route) throw new Refusal('NOT_FOUND', 'there is no such path here')
    const { method } = scope.request
    if (method === route.method) return await route.run(scope, name)
    const allowed = `${route.method}, OPTIONS`
    if (method === 'OPTIONS') return answerPreflight(allowed)
    throw new Refusal('METHOD_NOT_ALLOWED', `this path takes ${route.method}`, {
      headers: { Allow: allowed },
    })
  } catch (cause) {
    if (cause instanceof Refusal)
      return answerRefusal(cause, flag, freshnessFor(scope.edge, scope.request, scope.ports.now()))
    console.error('a request failed', { path, cause })
    return answerDefect(flag)
  }
}

function targetOf(path: string): Target {
  const route = routes.get(path)
  if (route) return { route, name: '', flag: null }
  if (path.startsWith(onePrefix)) {
    const flag = decodeFlag(path.slice(onePrefix.length))
    return { route: flag === '' ? undefined : oneRoute, name: flag, flag }
  }
  const hash = path.startsWith(blobPrefix) ? path.slice(blobPrefix.length) : ''
  return { route: hash === '' ? undefined : blobRoute, name: hash, flag: null }
}

/** The path of an absolute URL, without building an object for it. */
function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2)
  const query = url.indexOf('?', start)
  return query === -1 ? url.slice(start) : url.slice(start, query)
}

/** A key that is not well escaped is looked for as it stands, and not found. */
function decodeFlag(segment: string): string {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
