import { answerFrom, answerText } from './answer.ts'
import { authorize, freshnessOf, readKey } from './authorize.ts'
import type { RouteScope } from './route-scope.ts'

/** Without a key: whether this Worker answers. With one: what it holds of the key's environment. */
export async function readStatus({ request, edge, ports }: RouteScope): Promise<Response> {
  if (readKey(request.headers) === null) return answerText(200, '{"status":"ok"}')
  const grant = await authorize(edge, request, ports)
  const freshness = freshnessOf(grant.view, ports.now())
  const { token: version, ageSec, isConfirmed: confirmed } = freshness
  const refused = grant.key.class === 'server' ? { refused: grant.view.refusedCount } : {}
  return answerFrom(freshness, 200, JSON.stringify({ status: 'ok', version, ageSec, confirmed, ...refused }))
}
