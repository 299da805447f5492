/** Who may sign heads: keys that were given, or those that the edge names over TLS. */
import { makeHeadVerifier, type HeadVerifier } from '@halyard/shared/protocol/head.ts'

/** Public Ed25519 JWKs with a `kid` each. */
export type TrustedKeys = Parameters<typeof makeHeadVerifier>[0]

export interface Trust {
  readonly verify: HeadVerifier
  /** What is stored beside a copy, so that it can be verified without the edge; null if the keys were given. */
  readonly keysToStore: () => TrustedKeys | null
  /** Trusts the keys that were stored beside a copy, until the edge has named its own. */
  readonly trustStored: (keys: TrustedKeys) => void
  /** Asks the edge now, so that the first head need not wait for it. */
  readonly warm: () => void
}

export interface TrustPorts {
  readonly fetchKeys: () => Promise<TrustedKeys>
  readonly steadyNow: () => number
  readonly report: (what: string) => void
}

/** The edge is asked again no sooner than this after an answer, and after none. */
const pauseMs = { answered: 60_000, failed: 1_000 }

/** Trusts exactly these keys. */
export function trustGiven(keys: TrustedKeys): Trust {
  return {
    verify: makeHeadVerifier(keys),
    keysToStore: () => null,
    trustStored: () => {},
    warm: () => {},
  }
}

/** Trusts whom the edge names, and asks it again when a head is signed by another. */
export function trustEdge({ fetchKeys, steadyNow, report }: TrustPorts): Trust {
  let keys: TrustedKeys = []
  let verifier = makeHeadVerifier(keys)
  let flight: Promise<void> | null = null
  let notBefore = -Infinity
  const trust = (next: TrustedKeys) => {
    keys = next
    verifier = makeHeadVerifier(keys)
  }
  const ask = async () => {
    notBefore = Infinity
    try {
      const named = await fetchKeys()
      // Whoever trusts nobody can take nothing over, not even what mends it.
      if (named.length === 0) throw new Error('the edge names none')
      trust(named)
      notBefore = steadyNow() + pauseMs.answered
    } catch (cause) {
      // What is trusted stays, and whatever comes next asks again.
      notBefore = steadyNow() + pauseMs.failed
      report(`the keys that the edge trusts cannot be had: ${String(cause)}`)
    }
    flight = null
  }
  const refresh = async () => {
    if (steadyNow() >= notBefore) flight = ask()
    await flight
  }
  return {
    verify: async (signedHead) => {
      const head = await verifier(signedHead)
      if (head || keys.some(({ kid }) => kid === kidOf(signedHead))) return head
      await refresh()
      return await verifier(signedHead)
    },
    keysToStore: () => keys,
    trustStored: (stored) => keys.length === 0 && trust(stored),
    warm: () => void refresh(),
  }
}

/** The `kid` that a compact JWS says it is signed by; undefined if it is none. */
function kidOf(jws: string): unknown {
  try {
    const header = jws.slice(0, jws.indexOf('.')).replaceAll('-', '+').replaceAll('_', '/')
    return (JSON.parse(atob(header)) as { readonly kid?: unknown } | null)?.kid // compared, not trusted
  } catch {
    return undefined // no JWS: another look at the edge's keys will not make it one
  }
}
