import type { JWK } from 'jose'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeHeadVerifier } from '@halyard/shared/protocol/head.ts'
import { parseKey } from '@halyard/shared/protocol/keys.ts'
import { startReader, type Reader } from './sync/reader.ts'
import { makeRulesetFetch } from './transport/ruleset-fetch.ts'
import { makeStreamOpener } from './transport/stream-socket.ts'

export interface ReaderOptions {
  /** The origin of the edge, such as `https://flags.example.com`. */
  readonly edge: string
  /** A server key: it also names the environment. */
  readonly key: string
  /** The public Ed25519 JWKs that heads are to be signed by: from configuration, never from the edge. */
  readonly trustedKeys: readonly JWK[]
  /** Hears of what was refused, and why; nobody does if it is not given. */
  readonly report?: (what: string) => void
}

/** Opens a reader in Node. Throws if the key is no server key; whatever happens later shows in `status()`. */
export function openReader({ edge, key, trustedKeys, report = () => undefined }: ReaderOptions): Reader {
  const parsed = parseKey(key)
  if (parsed?.class !== 'server')
    throw new Error('that is no server key, or it was cut short: a reader needs one (hyd_srv_…)')
  return startReader(`env_${parsed.publicId}`, {
    openStream: makeStreamOpener(edge, key),
    fetchRuleset: makeRulesetFetch(edge, key),
    verify: makeHeadVerifier(trustedKeys),
    hash: sha256Hex,
    now: Date.now,
    random: Math.random,
    setTimer: (ms, run) => {
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
    report,
  })
}
