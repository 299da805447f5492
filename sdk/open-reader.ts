import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { parseKey } from '@halyard/shared/protocol/keys.ts'
import { startReader, type Reader } from './sync/reader.ts'
import { trustGiven, type TrustedKeys } from './sync/trust.ts'
import { makeStreamOpener } from './transport/open-stream.ts'
import { platform } from './transport/platform.ts'
import { makeRulesetFetch } from './transport/ruleset-fetch.ts'

export interface ReaderOptions {
  /** The origin of the edge, such as `https://flags.example.com`. */
  readonly edge: string
  /** A server key: it also names the environment. */
  readonly key: string
  /** The public Ed25519 JWKs that heads are to be signed by. */
  readonly trustedKeys: TrustedKeys
  /** Hears of what was refused, and why; nobody does if it is not given. */
  readonly report?: (what: string) => void
}

/**
 * Opens a reader that evaluates nothing: for drills and benchmarks. Throws if the key is no server key; whatever happens
 * later shows in `status()`.
 */
export function openReader({ edge, key, trustedKeys, report = () => undefined }: ReaderOptions): Reader {
  const parsed = parseKey(key)
  if (parsed?.class !== 'server')
    throw new Error('that is no server key, or it was cut short: a reader needs one (hyd_srv_…)')
  return startReader(`env_${parsed.publicId}`, {
    ...platform,
    openStream: makeStreamOpener(edge, key),
    fetchRuleset: makeRulesetFetch(edge, key),
    verify: trustGiven(trustedKeys).verify,
    hash: sha256Hex,
    report,
  })
}
