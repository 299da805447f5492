/** Who may open a stream: the holder of a key, sent in a header, or of a credential that was made for one. */
import { streamProtocol } from '@halyard/shared/protocol/stream.ts'
import { authorize, checkUse, readKey, refuseKeysIn, unavailable, type Grant } from './authorize.ts'
import { recheckFor } from './pursuit.ts'
import { Refusal } from './refusal.ts'
import type { RouteScope } from './route-scope.ts'
import type { StreamClaims } from './stream-credential.ts'
import { trim, viewOf } from './view-cache.ts'
import { holdsCopy, type View } from './view-state.ts'
import { freshen, isCurrent } from './view.ts'

export interface StreamGrant extends Grant {
  /** Whether a credential opened it, in the place of the key itself. */
  readonly isByCredential: boolean
}

/** Lets a request in by the key in its headers or the credential in its URL or subprotocols, or throws a refusal. */
export async function authorizeStream(scope: RouteScope): Promise<StreamGrant> {
  const { request, edge, ports } = scope
  const query = new URL(request.url).searchParams
  refuseKeysIn(query)
  const credential = readKey(request.headers) === null ? readCredential(request, query) : null
  if (credential === null) return { ...(await authorize(edge, request, ports)), isByCredential: false }
  const claims = await edge.streams.credentials.read(credential, ports.now())
  if (!claims) throw invalidCredential()
  return { ...(await admit(scope, claims)), isByCredential: true }
}

/** The subprotocols that a request offers. */
export function offeredProtocols(request: Request): readonly string[] {
  const text = request.headers.get('Sec-WebSocket-Protocol') ?? ''
  return text.split(',').map((protocol) => protocol.trim())
}

/** Beside the subprotocol that is spoken, the credential is offered as another. */
function readCredential(request: Request, query: URLSearchParams): string | null {
  const other = offeredProtocols(request).find((protocol) => protocol !== streamProtocol && protocol !== '')
  return query.get('token') ?? other ?? null
}

async function admit(scope: RouteScope, claims: StreamClaims): Promise<Grant> {
  const { request, edge, ports } = scope
  const view = viewOf(edge.views, claims.environment, ports.now())
  const freshening = freshen(view, ports)
  if (freshening) {
    await freshening
    trim(edge.views, view)
  }
  const key = findKey(view, claims) ?? (await findNewKey(scope, view, claims))
  if (!holdsCopy(view)) throw unavailable(view)
  checkUse(key, request.headers, ports.now())
  return { key, view }
}

function findKey(view: View, { key: id, class: keyClass }: StreamClaims) {
  for (const key of view.access?.keys.values() ?? []) {
    if (key.id === id && key.class === keyClass) return key
  }
  return undefined
}

/** A key that is not in the record may be newer than it: the record is checked before the key is refused. */
async function findNewKey({ ports }: RouteScope, view: View, claims: StreamClaims) {
  if (view.access) await recheckFor(view, () => findKey(view, claims) !== undefined, ports)
  const key = findKey(view, claims)
  if (key) return key
  throw isCurrent(view, ports.now()) ? invalidCredential() : unavailable(view)
}

function invalidCredential(): Refusal {
  return new Refusal(
    'KEY_INVALID',
    'the stream credential is none of ours or has expired, or its key was revoked: evaluate anew, or make another',
  )
}
