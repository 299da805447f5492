import { streamProtocol } from '@halyard/shared/protocol/stream.ts'
import { parseVersion } from '@halyard/shared/protocol/version.ts'
import { answerBytes, answerFrom, answerText } from './answer.ts'
import { authorize, freshnessOf, readKey, unavailable } from './authorize.ts'
import { namesBlob, readBlob } from './blobs.ts'
import { matchesEtag } from './etag.ts'
import { Refusal } from './refusal.ts'
import type { RouteScope } from './route-scope.ts'
import { trim } from './view-cache.ts'
import { recheck } from './view.ts'

/** The whole snapshot with its signed head, for evaluation elsewhere. */
export async function readRuleset({ request, edge, ports }: RouteScope): Promise<Response> {
  const grant = await authorize(edge, request, ports)
  if (grant.key.class !== 'server') throw new Refusal('KEY_CLASS', 'rulesets are for server keys only')
  const { signedHead, body, head } = grant.view.copy
  const etag = `"${head.snapshotHash}"`
  const freshness = freshnessOf(grant.view, ports.now())
  if (matchesEtag(request.headers.get('If-None-Match'), etag)) return answerFrom(freshness, 304, null, etag)
  return answerFrom(freshness, 200, JSON.stringify({ signedHead, body }), etag)
}

/** The members of a large segment that the current snapshot names. */
export async function readNamedBlob({ request, edge, ports }: RouteScope, hash: string): Promise<Response> {
  const grant = await authorize(edge, request, ports)
  if (grant.key.class !== 'server') throw new Refusal('KEY_CLASS', 'blobs are for server keys only')
  const { view } = grant
  // Who asks for one that is not named may have seen a newer snapshot.
  if (!namesBlob(view, hash)) await recheck(view, ports)
  if (!namesBlob(view, hash)) throw new Refusal('NOT_FOUND', 'the current snapshot names no such blob')
  const etag = `"${hash}"`
  const freshness = freshnessOf(grant.view, ports.now())
  if (matchesEtag(request.headers.get('If-None-Match'), etag)) return answerBytes(freshness, 304, null, etag)
  const bytes = await readBlob(view, hash, ports)
  if (!bytes) throw unavailable()
  trim(edge.views, view)
  return answerBytes(freshness, 200, bytes, etag)
}

/** A WebSocket to the hub, which is told the class and the key's id, never the key. */
export async function openStream({ request, edge, ports }: RouteScope): Promise<Response> {
  const grant = await authorize(edge, request, ports)
  if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') {
    throw new Refusal('UPGRADE_REQUIRED', 'a stream is a WebSocket', { headers: { Upgrade: 'websocket' } })
  }
  const offered = request.headers.get('Sec-WebSocket-Protocol')?.split(',') ?? []
  if (!offered.some((protocol) => protocol.trim() === streamProtocol)) {
    throw new Refusal('INVALID_REQUEST', `offer the subprotocol ${streamProtocol}`)
  }
  const query = new URLSearchParams({
    environment: grant.view.environment,
    class: grant.key.class,
    key: grant.key.id,
  })
  const since = new URL(request.url).searchParams.get('since')
  if (since !== null) {
    if (!parseVersion(since)) throw new Refusal('INVALID_REQUEST', 'since is not a version token')
    query.set('since', since)
  }
  return await connect(edge.openHubStream, query)
}

/** Without a key: whether this Worker answers. With one: what it holds of the key's environment. */
export async function readStatus({ request, edge, ports }: RouteScope): Promise<Response> {
  if (readKey(request.headers) === null) return answerText(200, '{"status":"ok"}')
  const grant = await authorize(edge, request, ports)
  const freshness = freshnessOf(grant.view, ports.now())
  const { token: version, ageSec, isConfirmed: confirmed } = freshness
  const refused = grant.key.class === 'server' ? { refused: grant.view.refusedCount } : {}
  return answerFrom(freshness, 200, JSON.stringify({ status: 'ok', version, ageSec, confirmed, ...refused }))
}

async function connect(openHubStream: RouteScope['edge']['openHubStream'], query: URLSearchParams) {
  let response: Response
  try {
    response = await openHubStream(query)
  } catch {
    throw unavailable() // polling shares nothing with streams: the reader goes on with it
  }
  if (response.status === 101) return response
  if (response.status === 401)
    throw new Refusal('KEY_INVALID', 'the key is unknown, was revoked or has expired')
  throw unavailable()
}
