/**
 * Short-lived credentials that open streams: a browser can send no header with an EventSource or a WebSocket, and a key
 * never goes into a URL. A credential is a JWT (RFC 7519) signed with HS256 under a secret of the edge's own. All that
 * it says follows from the key and a window of half an hour, so that every location makes the same text.
 */
import { compactVerify, CompactSign } from 'jose'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'

/** Whose streams it opens: the key is named, and looked up when it is used. */
export interface StreamClaims {
  readonly environment: string
  /** The key's id. */
  readonly key: string
  readonly class: AccessKey['class']
}

/** The window of a key at a moment; `mark` moves when a credential made then is another. */
export interface CredentialWindow {
  readonly mark: string
  /** When the window ends and when its credential does, epoch milliseconds. */
  readonly endsAt: number
  readonly expiresAt: number
}

export interface Credentials {
  readonly windowOf: (key: string, now: number) => CredentialWindow
  readonly issue: (claims: StreamClaims, now: number) => Promise<string>
  /** Null if it is none of ours, or has expired. It says nothing of whether its key is still good. */
  readonly read: (credential: string, now: number) => Promise<StreamClaims | null>
}

interface StreamSecret {
  readonly kid: string
  readonly secret: string
}

export const windowMs = 30 * 60_000

const algorithm = 'HS256'
const type = 'halyard-stream'
const secretsMax = 2
/** A credential is public, and can be guessed at offline: with less than 256 bits that might pay (RFC 7518, 3.2). */
const secretLengthMin = 32
const credentialLengthMax = 1_024
const encoder = new TextEncoder()

/** `secretText` is STREAM_SECRET: a text, or a JSON list of one or two `{kid, secret}` of which the first signs. */
export function makeCredentials(secretText: string): Credentials {
  const secrets = parseSecrets(secretText)
  const keys = new Map(secrets.map(({ kid, secret }) => [kid, importSecret(secret)]))
  const { kid } = secrets[0]
  const windowOf = (key: string, now: number) => {
    const offset = offsetOf(key)
    const number = Math.floor((now + offset) / windowMs)
    const endsAt = (number + 1) * windowMs - offset
    return { mark: `${kid}.${number}`, endsAt, expiresAt: endsAt + windowMs }
  }
  return {
    windowOf,
    issue: async ({ environment, key, class: keyClass }, now) => {
      const exp = Math.floor(windowOf(key, now).expiresAt / 1_000)
      const payload = encoder.encode(JSON.stringify({ environment, key, class: keyClass, exp }))
      return await new CompactSign(payload)
        .setProtectedHeader({ alg: algorithm, kid, typ: type })
        .sign(await keyNamed(keys, kid))
    },
    read: async (credential, now) => {
      if (credential.length > credentialLengthMax) return null
      try {
        const { payload } = await compactVerify(
          credential,
          async (header) => {
            if (header.typ !== type) throw new Error('another kind of token')
            return await keyNamed(keys, header.kid)
          },
          { algorithms: [algorithm] },
        )
        return readClaims(JSON.parse(new TextDecoder().decode(payload)), now)
      } catch {
        return null // whatever is wrong with it, it opens nothing
      }
    },
  }
}

function parseSecrets(text: string): readonly [StreamSecret, ...StreamSecret[]] {
  const given: unknown = text.trimStart().startsWith('[') ? JSON.parse(text) : [{ kid: '1', secret: text }]
  const list = Array.isArray(given) ? given : []
  const [first, ...rest] = list.filter(isSecret)
  if (!first || rest.length + 1 !== list.length || list.length > secretsMax) {
    throw new Error(
      `STREAM_SECRET must be a text, or a JSON list of one or two {"kid", "secret"}, of at least ${secretLengthMin} characters each`,
    )
  }
  return [first, ...rest]
}

function isSecret(value: unknown): value is StreamSecret {
  const { kid, secret } = (value ?? {}) as Partial<Record<keyof StreamSecret, unknown>> // each field is checked here
  return (
    typeof kid === 'string' && kid !== '' && typeof secret === 'string' && secret.length >= secretLengthMin
  )
}

function importSecret(secret: string): Promise<CryptoKey> {
  const usage = { name: 'HMAC', hash: 'SHA-256' }
  return crypto.subtle.importKey('raw', encoder.encode(secret), usage, false, ['sign', 'verify'])
}

async function keyNamed(keys: ReadonlyMap<string, Promise<CryptoKey>>, kid: string | undefined) {
  const key = keys.get(kid ?? '')
  if (!key) throw new Error('a secret that is not held')
  return await key
}

function readClaims(value: unknown, now: number): StreamClaims | null {
  const { environment, key, class: keyClass, exp } = value as Record<string, unknown> // signed by us: an object
  if (typeof environment !== 'string' || typeof key !== 'string' || typeof exp !== 'number') return null
  if (keyClass !== 'server' && keyClass !== 'client') return null
  return exp * 1_000 > now ? { environment, key, class: keyClass } : null
}

/** Spreads the ends of windows over time, the same for a key everywhere: FNV-1a of its id. */
function offsetOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193) >>> 0
  return hash % windowMs
}
