import { allowOrigins, answerDefect, answerPreflight, answerRefusal } from './answer.ts'
import { evaluateBulk, evaluateOne, evaluateOwn } from './evaluation-routes.ts'
import { openStream, readRuleset, readStatus } from './reader-routes.ts'
import { Refusal } from './refusal.ts'
import type { RouteScope } from './route-scope.ts'

interface Route {
  readonly method: 'GET' | 'POST'
  readonly run: (scope: RouteScope, flag: string) => Promise<Response>
}

const bulkPath = '/ofrep/v1/evaluate/flags'
const onePath = `${bulkPath}/`
const oneRoute: Route = { method: 'POST', run: evaluateOne }
const routes: ReadonlyMap<string, Route> = new Map([
  [bulkPath, { method: 'POST', run: evaluateBulk }],
  ['/v1/evaluate', { method: 'POST', run: evaluateOwn }],
  ['/v1/ruleset', { method: 'GET', run: readRuleset }],
  ['/v1/stream', { method: 'GET', run: openStream }],
  ['/v1/status', { method: 'GET', run: readStatus }],
])

/** Answers a request, whatever it is. */
export async function answer(scope: RouteScope): Promise<Response> {
  const response = await run(scope)
  const isForScript = response.status !== 101 && scope.request.headers.has('Origin')
  return isForScript ? allowOrigins(response) : response
}

async function run(scope: RouteScope): Promise<Response> {
  const path = pathOf(scope.request.url)
  const flag = path.startsWith(onePath) ? decodeFlag(path.slice(onePath.length)) : null
  try {
    const route = routeOf(path, flag)
    if (!route) throw new Refusal('NOT_FOUND', 'there is no such path here')
    const { method } = scope.request
    if (method === route.method) return await route.run(scope, flag ?? '')
    const allowed = `${route.method}, OPTIONS`
    if (method === 'OPTIONS') return answerPreflight(allowed)
    throw new Refusal('METHOD_NOT_ALLOWED', `this path takes ${route.method}`, {
      headers: { Allow: allowed },
    })
  } catch (cause) {
    if (cause instanceof Refusal) return answerRefusal(cause, flag)
    console.error('a request failed', { path, cause })
    return answerDefect(flag)
  }
}

function routeOf(path: string, flag: string | null): Route | undefined {
  return flag ? oneRoute : routes.get(path)
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
