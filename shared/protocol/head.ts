/**
 * The head: the small signed record that says which snapshot an environment is at. On a wire it is a compact JWS
 * (RFC 7515) signed with Ed25519 (RFC 8037), typ `halyard-head`, whose payload is the JSON of `Head`.
 */
import { compactVerify, CompactSign, importJWK, type JWK } from 'jose'
import type { Version } from './version.ts'

export interface Head extends Version {
  readonly environment: string
  /** SHA-256 of the body, of the access record's text, and of the client-visible part, each as hex. */
  readonly snapshotHash: string
  readonly accessHash: string
  readonly clientHash: string
  /** UTF-8 bytes of the body. */
  readonly size: number
  readonly schema: number
  readonly compiler: number
  /** When it was signed, epoch milliseconds. */
  readonly time: number
  readonly kid: string
}

/** The version of the snapshot format: a reader refuses a newer one. */
export const snapshotSchema = 1

/** At most this many UTF-8 bytes in a body. */
export const snapshotSizeMax = 4 * 1024 * 1024

export type HeadVerifier = (signedHead: string) => Promise<Head | null>

const algorithm = 'EdDSA'
const type = 'halyard-head'

/** While one key replaces another both are trusted. */
const trustedKeysMax = 2

/**
 * Reads the public keys of a Worker's configuration: a JSON array of at most two Ed25519 JWKs, each with a `kid` of its
 * own. Throws if it is anything else: a reader that trusts nobody by mistake must not start.
 */
export function parseTrustedKeys(text: string): readonly JWK[] {
  const keys: unknown = JSON.parse(text)
  if (!Array.isArray(keys) || !keys.every(isPublicKey)) {
    throw new Error('TRUSTED_KEYS must be a JSON array of public Ed25519 JWKs that carry a kid')
  }
  if (keys.length > trustedKeysMax || new Set(keys.map(({ kid }) => kid)).size < keys.length) {
    throw new Error(`TRUSTED_KEYS must hold at most ${trustedKeysMax} keys, each with a kid of its own`)
  }
  return keys
}

/** Signs a head with a private Ed25519 JWK that carries a `kid`. */
export async function signHead(head: Omit<Head, 'kid'>, privateJwk: JWK): Promise<string> {
  const kid = privateJwk.kid ?? ''
  const key = await importJWK(privateJwk, algorithm)
  const payload = new TextEncoder().encode(JSON.stringify({ ...head, kid }))
  return await new CompactSign(payload).setProtectedHeader({ alg: algorithm, kid, typ: type }).sign(key)
}

/**
 * Makes a verifier that trusts exactly these public Ed25519 JWKs (found by `kid`). It gives the head, or `null` if
 * the text is not a JWS of this type, is signed by another key, or holds something else.
 */
export function makeHeadVerifier(trusted: readonly JWK[]): HeadVerifier {
  const keysCache = new Map<string, ReturnType<typeof importJWK>>()
  return async (signedHead) => {
    try {
      const { payload, protectedHeader } = await compactVerify(
        signedHead,
        async (header) => {
          const jwk = trusted.find((key) => key.kid === header.kid)
          if (!jwk || header.typ !== type) throw new Error('not a key that this reader trusts')
          const kid = jwk.kid ?? ''
          const cached = keysCache.get(kid) ?? importJWK(jwk, algorithm)
          keysCache.set(kid, cached)
          return await cached
        },
        { algorithms: [algorithm] },
      )
      const head: unknown = JSON.parse(new TextDecoder().decode(payload))
      return isHead(head) && head.kid === protectedHeader.kid ? head : null
    } catch {
      return null // whatever is wrong with it, it is not a head: the caller keeps what it has
    }
  }
}

function isPublicKey(value: unknown): value is JWK {
  if (typeof value !== 'object' || value === null) return false
  const key = value as JWK // an object, and each field is checked here
  return (
    key.crv === 'Ed25519' && typeof key.x === 'string' && typeof key.kid === 'string' && key.d === undefined
  )
}

const textFields = ['environment', 'snapshotHash', 'accessHash', 'clientHash', 'kid'] as const
const numberFields = ['epoch', 'version', 'size', 'schema', 'compiler', 'time'] as const

function isHead(value: unknown): value is Head {
  if (typeof value !== 'object' || value === null) return false
  const record = value as Record<string, unknown> // an object, and each field is checked below
  return (
    textFields.every((field) => typeof record[field] === 'string') &&
    numberFields.every((field) => Number.isSafeInteger(record[field]))
  )
}
