/** Who asks, and what is held for them. A key is looked at afresh in each request; only its parsing is remembered. */
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { checkValue, parseKey } from '@halyard/shared/protocol/keys.ts'
import type { Freshness } from './answer.ts'
import { setBounded } from './bounded-cache.ts'
import { readDemand, satisfy } from './demand.ts'
import { recheckFor } from './pursuit.ts'
import { comeBackLater, Refusal } from './refusal.ts'
import { trim, viewOf, type ViewCache } from './view-cache.ts'
import { holdsCopy, type HeldView, type View, type ViewPorts } from './view-state.ts'
import { ageMs, freshen, isCurrent } from './view.ts'

export interface KeyFacts {
  readonly class: AccessKey['class']
  readonly environment: string
  /** SHA-256 of the whole key. */
  readonly hash: string
}

export interface Gate {
  readonly views: ViewCache
  /** Keys that were found in an access record, by their text. */
  readonly keyCache: Map<string, KeyFacts>
  readonly idCheckSecret: string
}

/** The copy is not part of it: while a request waits, for its body or for blobs, a newer one may take its place. */
export interface Grant {
  readonly key: AccessKey
  readonly view: HeldView
}

const keysCachedMax = 10_000

/** The key of a request, or a refusal. Keys travel in headers only. */
export function readKey(headers: Headers): string | null {
  const authorization = headers.get('Authorization')
  if (authorization === null) return headers.get('X-API-Key')
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? authorization
}

/** Lets a request in, with a view that is as fresh as it can be had, or throws a refusal. */
export async function authorize(gate: Gate, request: Request, ports: ViewPorts): Promise<Grant> {
  const text = readKey(request.headers)
  if (text === null) {
    refuseKeysIn(new URL(request.url).searchParams)
    throw new Refusal('KEY_MISSING', 'send a key as "Authorization: Bearer KEY" or in X-API-Key')
  }
  const cached = gate.keyCache.get(text)
  const facts = cached ?? (await readFacts(text, gate.idCheckSecret))
  const view = viewOf(gate.views, facts.environment, ports.now())
  const freshening = freshen(view, ports)
  if (freshening) {
    await freshening
    trim(gate.views, view)
  }
  const key = findKey(view, facts) ?? (await findNewKey(view, facts, ports))
  if (!holdsCopy(view)) throw unavailable(view)
  if (!cached) setBounded(gate.keyCache, text, facts, keysCachedMax)
  checkUse(key, request.headers, ports.now())
  const demand = readDemand(request)
  if (demand) await satisfy(view, demand, ports)
  return { key, view }
}

/** Of the copy that the view holds now: whatever is answered from it must be taken in the same turn. */
export function freshnessOf(view: HeldView, now: number): Freshness {
  return {
    token: view.copy.token,
    ageSec: Math.floor(ageMs(view, now) / 1000),
    isConfirmed: view.isConfirmed,
  }
}

/** What a refusal may say of the copy held: only to a key that was let in before and still is in the record. */
export function freshnessFor(gate: Gate, { headers }: Request, now: number): Freshness | null {
  const facts = gate.keyCache.get(readKey(headers) ?? '')
  const view = facts && gate.views.views.get(facts.environment)
  if (!view || !holdsCopy(view) || !findKey(view, facts)) return null
  return freshnessOf(view, now)
}

/** All that a key's text says, checked without any look-up; an invented environment ends here. */
async function readFacts(text: string, idCheckSecret: string): Promise<KeyFacts> {
  const parsed = parseKey(text)
  if (!parsed) throw new Refusal('KEY_MALFORMED', 'that is not a key of this service, or it was cut short')
  if (parsed.class === 'management') {
    throw new Refusal(
      'KEY_CLASS',
      'management keys belong to the management API; make a server or client key',
    )
  }
  if ((await checkValue(parsed.publicId, idCheckSecret)) !== parsed.check) throw invalidKey()
  return { class: parsed.class, environment: `env_${parsed.publicId}`, hash: await sha256Hex(text) }
}

function findKey(view: View, facts: KeyFacts): AccessKey | undefined {
  const key = view.access?.keys.get(facts.hash)
  return key?.class === facts.class ? key : undefined
}

/** A key that is not in the record may be newer than it: the record is checked before the key is refused. */
async function findNewKey(view: View, facts: KeyFacts, ports: ViewPorts): Promise<AccessKey> {
  // A client that is told 401 does not come again.
  if (view.access) await recheckFor(view, () => findKey(view, facts) !== undefined, ports)
  const key = findKey(view, facts)
  if (key) return key
  throw isCurrent(view, ports.now()) ? invalidKey() : unavailable(view)
}

/** URLs end up in logs and histories: whoever put a key there has to replace it. */
export function refuseKeysIn(query: URLSearchParams): void {
  for (const value of query.values()) {
    if (!value.startsWith('hyd_')) continue
    throw new Refusal(
      'KEY_MISSING',
      'a key does not go into a URL: send it as "Authorization: Bearer KEY", and replace this one; for a browser make a stream credential with POST /v1/stream-credential',
    )
  }
}

export function checkUse(key: AccessKey, headers: Headers, now: number): void {
  if (key.expiresAt !== undefined && key.expiresAt <= now) throw invalidKey()
  if (key.class === 'client' && key.origins?.length && !key.origins.includes(headers.get('Origin') ?? '')) {
    throw new Refusal('KEY_ORIGIN', 'this key may not be used from this origin')
  }
}

function invalidKey(): Refusal {
  return new Refusal('KEY_INVALID', 'the key is unknown, was revoked or has expired')
}

/** The id of an environment was made by us: one of which the hub knows nothing was perhaps created a moment ago. */
export function unavailable(view: View): Refusal {
  const isUnpublished = !view.copy && view.hub === 'absent'
  return comeBackLater(
    isUnpublished
      ? 'nothing was published for the environment yet'
      : 'the environment cannot be reached just now',
  )
}
