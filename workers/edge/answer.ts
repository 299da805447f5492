/** HTTP answers: JSON, with what one may want to know of the data's age. */
import { setBounded } from './bounded-cache.ts'
import type { Refusal } from './refusal.ts'

const exposed = 'ETag, Retry-After, Halyard-Version, Halyard-Age, Halyard-Confirmed'

/** Which version an answer comes from, and how long ago the hub said that it is head. */
export interface Freshness {
  readonly token: string
  readonly ageSec: number
  readonly isConfirmed: boolean
}

/** Made once for each version, since making them costs more than evaluating a flag. Nothing in them is a tenant's. */
const headersCache = new Map<string, Freshness & { readonly headers: Headers }>()
const headersCachedMax = 200

/** A JSON text that has nothing to do with a version. */
export function answerText(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(text, { status, headers: { 'Content-Type': 'application/json', ...headers } })
}

/** A JSON text, or null for a 304, that was made from a version. */
export function answerFrom(
  freshness: Freshness,
  status: number,
  text: string | null,
  etag: string | null = null,
): Response {
  const response = new Response(text, { status, headers: headersOf(freshness) })
  if (etag !== null) response.headers.set('ETag', etag)
  return response
}

/** Bytes that never change under their tag, or null for a 304. */
export function answerBytes(
  freshness: Freshness,
  status: number,
  bytes: Uint8Array<ArrayBuffer> | null,
  etag: string,
): Response {
  const response = new Response(bytes, { status, headers: headersOf(freshness) })
  response.headers.set('Content-Type', 'application/octet-stream')
  response.headers.set('Cache-Control', 'private, max-age=31536000, immutable')
  response.headers.set('ETag', etag)
  return response
}

/** `key` is the flag that was asked for, if it was one; `freshness` is that of the copy held, if it may be told. */
export function answerRefusal(
  refusal: Refusal,
  key: string | null,
  freshness: Freshness | null = null,
): Response {
  const { headers, limit } = refusal.extra
  const body = {
    ...(key !== null && { key }),
    errorCode: refusal.code,
    errorDetails: refusal.message,
    ...(limit && { limit: limit.name, max: limit.max }),
  }
  const text = JSON.stringify(body)
  if (!freshness) return answerText(refusal.status, text, headers)
  const response = answerFrom(freshness, refusal.status, text)
  for (const [name, value] of Object.entries(headers ?? {})) response.headers.set(name, value)
  return response
}

/** A defect of ours: the client learns that, and no more. */
export function answerDefect(key: string | null): Response {
  const body = { ...(key !== null && { key }), errorCode: 'GENERAL', errorDetails: 'the service failed' }
  return answerText(500, JSON.stringify(body))
}

/** Lets scripts of any origin read an answer. Only browsers ask with an Origin, and only they pay for the headers. */
export function allowOrigins(response: Response): Response {
  response.headers.set('Access-Control-Allow-Origin', '*')
  response.headers.set('Access-Control-Expose-Headers', exposed)
  return response
}

export function answerPreflight(methods: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'Access-Control-Allow-Methods': methods,
      'Access-Control-Allow-Headers':
        'Content-Type, Authorization, X-API-Key, If-None-Match, Last-Event-ID, Halyard-Min-Version, Halyard-Max-Age',
      'Access-Control-Max-Age': '86400',
    },
  })
}

function headersOf(freshness: Freshness): Headers {
  const { token, ageSec, isConfirmed } = freshness
  const known = headersCache.get(token)
  if (known && known.ageSec === ageSec && known.isConfirmed === isConfirmed) return known.headers
  const headers = new Headers({
    'Content-Type': 'application/json',
    'Halyard-Version': token,
    'Halyard-Age': String(ageSec),
    'Halyard-Confirmed': isConfirmed ? 'true' : 'false',
  })
  setBounded(headersCache, token, { ...freshness, headers }, headersCachedMax)
  return headers
}
