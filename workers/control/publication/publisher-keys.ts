import type { JWK } from 'jose'
import { parseTrustedKeys } from '@halyard/shared/protocol/head.ts'

/** The key that a publisher signs with, and those that it trusts. */
export interface PublisherKeys {
  readonly signing: JWK
  readonly trusted: readonly JWK[]
}

/** As `Env` has them. */
interface Configuration {
  readonly SIGNING_KEY: string
  readonly TRUSTED_KEYS?: string
}

/**
 * Reads the keys of control's configuration. Trusted is the public half of its own, and what else hub and edge trust:
 * while one key replaces another the hub's head is still signed by the key before.
 */
export function readPublisherKeys({ SIGNING_KEY, TRUSTED_KEYS }: Configuration): PublisherKeys {
  const signing = JSON.parse(SIGNING_KEY) as JWK // from our own configuration; jose checks it
  const { d: _, ...own } = signing
  const others = TRUSTED_KEYS === undefined ? [] : parseTrustedKeys(TRUSTED_KEYS)
  return { signing, trusted: [own, ...others.filter(({ kid }) => kid !== own.kid)] }
}
