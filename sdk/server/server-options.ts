import { parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import { checkEdge, checkKey, checkLogger, checkMethods, checkNames } from '../client/check-options.ts'
import type { Logger } from '../client/flag-client.ts'
import type { TrustedKeys } from '../sync/trust.ts'
import type { FlagStore } from './flag-store.ts'

/** A public Ed25519 key as a JWK (RFC 8037) with a `kid`. */
export interface TrustedKey {
  readonly kid: string
  readonly x: string
  readonly crv: string
  readonly kty: string
  readonly alg?: string
  readonly use?: string
}

export interface ServerOptions {
  /** The origin of the edge: `https://flags.example.com`. */
  readonly edge: string
  /** A server key (`hyd_srv_…`). It names the environment, and never leaves for a browser. */
  readonly key: string
  /** Who may sign flags: one key, or two while one replaces the other. If left out, whom the edge names in `/.well-known/jwks.json`. */
  readonly trustedKeys?: readonly TrustedKey[] | undefined
  /** Flags to start from: a text that `export()` of another client gave. */
  readonly bootstrap?: string | undefined
  /** Where the last flags are kept, for a start without the edge. */
  readonly store?: FlagStore | undefined
  /** Hears what goes wrong; nobody does if it is left out. */
  readonly logger?: Logger | undefined
}

export interface ServerSettings {
  readonly edge: string
  readonly key: string
  /** `env_…` */
  readonly environment: string
  readonly trustedKeys: TrustedKeys | null
  readonly bootstrap: string | null
  readonly store: FlagStore | null
  readonly logger: Logger
}

const made = 'createClient'
const names = ['edge', 'key', 'trustedKeys', 'bootstrap', 'store', 'logger']

/** Throws a TypeError that says what is wrong with the options. */
export function checkServerOptions(options: ServerOptions): ServerSettings {
  checkNames(made, options, names)
  const { edge, key, trustedKeys, bootstrap, store, logger } = options
  if (bootstrap !== undefined && typeof bootstrap !== 'string')
    throw new TypeError(`${made}: "bootstrap" must be a text that export() gave, not ${typeof bootstrap}`)
  if (store !== undefined) checkMethods(`${made}: "store"`, store, ['load', 'save'])
  const settings: ServerSettings = {
    edge: checkEdge(made, edge),
    key,
    environment: checkKey(made, key, 'server'),
    trustedKeys: trustedKeys === undefined ? null : checkTrustedKeys(trustedKeys),
    bootstrap: bootstrap ?? null,
    store: store ?? null,
    logger: checkLogger(made, logger),
  }
  if (settings.trustedKeys === null && !isPrivateWay(settings.edge))
    settings.logger.warn(
      `${made}: over plain http whoever is in between may choose the flags: use https, or give "trustedKeys"`,
    )
  return settings
}

/** Whether nobody but the edge can answer for it. */
function isPrivateWay(edge: string): boolean {
  const { protocol, hostname } = new URL(edge)
  return protocol === 'https:' || /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}

function checkTrustedKeys(keys: unknown): TrustedKeys {
  try {
    const trusted = parseTrustedKeys(JSON.stringify(keys) ?? 'null')
    if (trusted.length > 0) return trusted
  } catch {
    // Said below, in the words of this option.
  }
  throw new TypeError(
    `${made}: "trustedKeys" must be a list of one or two public Ed25519 JWKs, each with a "kid" of its own and no "d"`,
  )
}
