import type { StreamRequest } from '@halyard/shared/protocol/hub.ts'
import { streamProtocol } from '@halyard/shared/protocol/stream.ts'
import { parseVersion } from '@halyard/shared/protocol/version.ts'
import { answerText } from './answer.ts'
import { authorize } from './authorize.ts'
import { inTime } from './flight.ts'
import { comeBackLater, Refusal } from './refusal.ts'
import type { RouteScope } from './route-scope.ts'
import { bridgeToSse, sseGoaway } from './sse-bridge.ts'
import { ofrepFormat, ownFormat, type SseFormat } from './sse-format.ts'
import { groupOf, retrySpreadSec } from './stream-admission.ts'
import { authorizeStream, offeredProtocols, type StreamGrant } from './stream-authorize.ts'
import { regionOf } from './stream-region.ts'

const relayRetrySec = 2
const openTimeoutMs = 10_000
const sseType = 'text/event-stream'
const sseHeaders = {
  'Content-Type': sseType,
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
}

/** Our own stream: a WebSocket, or Server-Sent Events where those are asked for. */
export async function openStream(scope: RouteScope): Promise<Response> {
  const { request } = scope
  if (isUpgrade(request)) return await openSocket(scope, await authorizeWhole(scope))
  if (!wantsEvents(request)) {
    throw new Refusal('UPGRADE_REQUIRED', `a stream is a WebSocket, or has "Accept: ${sseType}"`, {
      headers: { Upgrade: 'websocket' },
    })
  }
  const since = readLastEventId(request) ?? readSince(request)
  const open = async () => await connect(scope, await authorizeWhole(scope), since)
  return await answerEvents(ownFormat(since), open)
}

/** OFREP's event stream: says no more than that it is time to evaluate again. */
export async function openEventStream(scope: RouteScope): Promise<Response> {
  const { request } = scope
  if (!wantsEvents(request))
    throw new Refusal('INVALID_REQUEST', `a stream of events has "Accept: ${sseType}"`)
  const last = readLastEventId(request)
  const open = async () => {
    const grant = await authorizeStream(scope)
    // Class server is sent the content itself: what we hold is no news to it.
    return await connect(scope, grant, last ?? (grant.key.class === 'server' ? grant.view.copy.token : null))
  }
  return await answerEvents(ofrepFormat(last), open)
}

/** A credential for streams of a client key, for what can send no headers. */
export async function issueCredential({ request, edge, ports }: RouteScope): Promise<Response> {
  const { key, view } = await authorize(edge, request, ports)
  if (key.class !== 'client') {
    throw new Refusal('KEY_CLASS', 'stream credentials are for client keys: send a server key in a header')
  }
  const now = ports.now()
  const { credentials } = edge.streams
  const credential = await credentials.issue(
    { environment: view.environment, key: key.id, class: key.class },
    now,
  )
  const { expiresAt } = credentials.windowOf(key.id, now)
  const body = { credential, expiresAt: new Date(expiresAt).toISOString() }
  return answerText(200, JSON.stringify(body), { 'Cache-Control': 'no-store' })
}

/** For streams that may carry rules: those of a server key take the key itself, which no URL has ever held. */
async function authorizeWhole(scope: RouteScope): Promise<StreamGrant> {
  const grant = await authorizeStream(scope)
  if (!grant.isByCredential || grant.key.class === 'client') return grant
  throw new Refusal(
    'KEY_CLASS',
    'a credential of a server key opens OFREP event streams only: send the key as "Authorization: Bearer KEY"',
  )
}

async function openSocket(scope: RouteScope, grant: StreamGrant): Promise<Response> {
  if (!offeredProtocols(scope.request).includes(streamProtocol)) {
    throw new Refusal('INVALID_REQUEST', `offer the subprotocol ${streamProtocol}`)
  }
  return await connect(scope, grant, readSince(scope.request))
}

async function answerEvents(format: SseFormat, open: () => Promise<Response>): Promise<Response> {
  try {
    const { webSocket } = await open()
    if (!webSocket) throw new Error('an upgrade without a socket')
    return new Response(bridgeToSse(webSocket, format), { headers: sseHeaders })
  } catch (cause) {
    if (!(cause instanceof Refusal) || cause.code !== 'UNAVAILABLE') throw cause
    // To an EventSource a 503 is the end for good; a stream that ends is one to come back to.
    const retryAfterSec = Number(cause.extra.headers?.['Retry-After'] ?? relayRetrySec)
    return new Response(sseGoaway(format, retryAfterSec), { headers: sseHeaders })
  }
}

/** Opens a socket at a relay, once it is this reader's turn. The hub is told the class and the key's id, never the key. */
async function connect(scope: RouteScope, grant: StreamGrant, since: string | null): Promise<Response> {
  const { request, edge, ports } = scope
  const { streams } = edge
  const { environment } = grant.view
  const group = groupOf(environment, grant.key.class)
  await streams.admission.enter(group, ports)
  const wanted: StreamRequest = {
    environment,
    class: grant.key.class,
    key: grant.key.id,
    region: regionOf(request.cf),
    ...(since !== null && { since }),
  }
  // Polling shares nothing with streams: a reader that has none goes on with it.
  const opening = streams.open(wanted)
  const response = await inTime(opening, openTimeoutMs, ports).catch(() => null)
  if (!response) ports.defer(hangUp(opening))
  if (response?.status === 101) return response
  await response?.body?.cancel()
  if (response?.status === 401)
    throw new Refusal('KEY_INVALID', 'the key is unknown, was revoked or has expired')
  const retryAfterSec = Number(response?.headers.get('Retry-After') ?? NaN)
  if (retryAfterSec > 0) throw streams.admission.refuse(group, ports.now(), retryAfterSec)
  throw comeBackLater('streams cannot be reached just now', {
    atLeast: relayRetrySec,
    spread: retrySpreadSec,
  })
}

/** What comes too late is nobody's: without this the relay would count it as a reader. */
async function hangUp(opening: Promise<Response>): Promise<void> {
  const late = await opening.catch(() => null) // it failed, and left nothing
  late?.webSocket?.accept()
  late?.webSocket?.close(1001)
  await late?.body?.cancel()
}

function isUpgrade(request: Request): boolean {
  return request.headers.get('Upgrade')?.toLowerCase() === 'websocket'
}

function wantsEvents(request: Request): boolean {
  return request.headers.get('Accept')?.toLowerCase().includes(sseType) ?? false
}

function readSince(request: Request): string | null {
  const since = new URL(request.url).searchParams.get('since')
  if (since !== null && !parseVersion(since))
    throw new Refusal('INVALID_REQUEST', 'since is not a version token, such as 1.42')
  return since
}

/** What is no version token says nothing: an EventSource would send it again for ever. */
function readLastEventId(request: Request): string | null {
  const id = request.headers.get('Last-Event-ID')
  return id !== null && parseVersion(id) ? id : null
}
