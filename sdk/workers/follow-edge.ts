/**
 * Follows an environment without a connection of its own: requests ask the edge, before they are answered or behind
 * their answer. A question belongs to the request that asks it: what it waits for may end with it.
 */
import { compilePattern } from '@halyard/shared/pattern/pattern.ts'
import { addBlob, loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import type { Delta } from '@halyard/shared/protocol/delta.ts'
import { namedBlobs, type NamedBlob } from '@halyard/shared/protocol/named-blobs.ts'
import type { Adopted } from '../sync/adopter.ts'
import type { RulesetAnswer } from '../sync/reader-ports.ts'
import { refusesKey } from '../sync/reader-state.ts'
import { takeDelta, takeSnapshot, type Copy, type CopyOrigin, type Replica } from '../sync/replica.ts'
import { formatCopy } from '../sync/saved-copy.ts'
import { trustEdge, trustGiven, type Trust } from '../sync/trust.ts'
import type { FlagsInUse } from '../server/flags-in-use.ts'
import type { ServerSettings } from '../server/server-options.ts'
import type { WorkersPorts } from './make-workers-client.ts'

export interface Follower {
  /** Milliseconds since the edge last confirmed what is held; null: it never did. */
  readonly ageMs: () => number | null
  /** Milliseconds since the edge was last asked; Infinity if it never was. */
  readonly sinceAskedMs: () => number
  /** Milliseconds since the edge was asked and has not answered; 0 if no question is open. */
  readonly pendingMs: () => number
  /** Takes what the cache of the location has. Never rejects. */
  readonly recall: () => Promise<void>
  /** Asks the edge once. Never rejects. */
  readonly ask: () => Promise<void>
  readonly error: () => { readonly reason: string; readonly isRefusal: boolean } | null
}

interface State {
  readonly ports: WorkersPorts
  readonly settings: ServerSettings
  readonly replica: Replica
  readonly trust: Trust
  readonly blobs: Map<string, Uint8Array>
  readonly flags: Pick<FlagsInUse, 'adopt' | 'complete'>
  /** What evaluations see. What is held may be newer: the request that was to take it into use ended first. */
  inUse: Adopted | null
  confirmedAt: number | null
  cachedAt: number
  askedAt: number
  /** Since when a question has waited for its answer; null: none does. */
  waitingSince: number | null
  /** Deltas were of no use. */
  wantsWhole: boolean
  error: { readonly reason: string; readonly isRefusal: boolean } | null
}

/** The cache is told of a confirmation this often, so that a new isolate knows its copy to be young. */
const cacheEveryMs = 20_000
const bytesEach = 8

export function followEdge(
  settings: ServerSettings,
  ports: WorkersPorts,
  flags: Pick<FlagsInUse, 'adopt' | 'complete'>,
): Follower {
  const report = settings.logger.warn
  const state: State = {
    ports,
    settings,
    flags,
    inUse: null,
    replica: { environment: settings.environment, copy: null, refusedCount: 0 },
    trust: settings.trustedKeys ? trustGiven(settings.trustedKeys) : trustEdge({ ...ports, report }),
    blobs: new Map(),
    confirmedAt: null,
    cachedAt: -Infinity,
    askedAt: -Infinity,
    waitingSince: null,
    wantsWhole: false,
    error: null,
  }
  return {
    ageMs: () => (state.confirmedAt === null ? null : Math.max(0, ports.now() - state.confirmedAt)),
    sinceAskedMs: () => ports.now() - state.askedAt,
    pendingMs: () => (state.waitingSince === null ? 0 : ports.now() - state.waitingSince),
    recall: () => recall(state),
    ask: () => ask(state),
    error: () => state.error,
  }
}

async function recall(state: State): Promise<void> {
  const cached = await state.ports.readCopy()
  if (!cached) return
  if (cached.keys) state.trust.trustStored(cached.keys)
  if (!(await hold(state, [{ ...cached, origin: 'store' }]))) return
  // The clock of another machine may be ahead of this one's.
  const confirmedAt = Math.min(state.ports.now(), cached.confirmedAt)
  if (confirmedAt > 0) state.confirmedAt = Math.max(state.confirmedAt ?? 0, confirmedAt)
}

async function ask(state: State): Promise<void> {
  const { ports, replica } = state
  const askedAt = ports.now()
  state.askedAt = askedAt
  state.waitingSince ??= askedAt
  const answer = await fetchRuleset(state)
  state.waitingSince = null
  if (answer.kind === 'failed') {
    state.error = { reason: answer.reason, isRefusal: refusesKey(answer.status) }
    return
  }
  const { signedHead, content } = answer
  const offers = 'body' in content ? [{ signedHead, body: content.body }] : content.deltas
  const isSound = await hold(
    state,
    offers.map((offer) => ({ ...offer, origin: 'poll' })),
  )
  state.error = isSound ? null : { reason: 'what the edge answered is not sound', isRefusal: false }
  state.wantsWhole = !isSound
  if (!isSound || answer.ageMs === null || replica.copy?.signedHead !== signedHead) return
  state.confirmedAt = Math.max(state.confirmedAt ?? 0, askedAt - answer.ageMs)
  if (askedAt - state.cachedAt < cacheEveryMs) return
  state.cachedAt = askedAt
  await ports.writeCopy(formatCopy({ ...replica.copy, keys: state.trust.keysToStore() }), state.confirmedAt)
}

async function fetchRuleset({ ports, replica, wantsWhole }: State): Promise<RulesetAnswer> {
  try {
    return await ports.fetchRuleset(replica.copy && !wantsWhole ? { since: replica.copy.token } : {})
  } catch (cause) {
    return { kind: 'failed', reason: String(cause) } // what is held stays
  }
}

type Offer = { readonly origin: CopyOrigin } & (Pick<Copy, 'signedHead' | 'body'> | Delta)

/** Takes them one after the other, and the last into use. False: one of them is not sound. */
async function hold(state: State, offers: readonly Offer[]): Promise<boolean> {
  const { replica, settings, trust, ports } = state
  const replicaPorts = {
    verify: trust.verify,
    hash: sha256Hex,
    now: ports.now,
    report: settings.logger.warn,
    changed: () => {},
  }
  let isSound = true
  for (const offer of offers) {
    // Each starts from the result of the one before.
    // oxlint-disable-next-line no-await-in-loop
    const taken = await ('body' in offer
      ? takeSnapshot(replica, offer, replicaPorts)
      : takeDelta(replica, offer, replicaPorts))
    isSound = taken === 'swapped' || taken === 'held'
    if (!isSound) break
  }
  if (replica.copy !== null && replica.copy !== state.inUse?.copy) await adopt(state, replica.copy)
  else if (state.inUse) await complete(state, state.inUse)
  return isSound
}

/** With the lists of the large segments that it names, as far as they can be had. */
async function adopt(state: State, copy: Copy): Promise<void> {
  const adopted = { copy, snapshot: loadSnapshot(copy.body, { compilePattern }) }
  const named = namedBlobs(copy.body)
  await Promise.all(named.map(async (blob) => await giveBlob(state, adopted, blob)))
  // Another request may have gone further while this one waited for lists.
  if (state.replica.copy !== copy || state.inUse?.copy === copy) return
  for (const hash of state.blobs.keys())
    if (!named.some((blob) => blob.hash === hash)) state.blobs.delete(hash)
  state.inUse = adopted
  state.flags.adopt(adopted)
}

/** Asks again for the lists that could not be had. */
async function complete(state: State, inUse: Adopted): Promise<void> {
  const lacking = namedBlobs(inUse.copy.body).filter(({ hash }) => !inUse.snapshot.blobs.has(hash))
  const given = async (blob: NamedBlob) => {
    if (await giveBlob(state, inUse, blob)) state.flags.complete(inUse, blob.hash)
  }
  await Promise.all(lacking.map(given))
}

/** False: it cannot be had. */
async function giveBlob(state: State, { snapshot }: Adopted, { hash, count }: NamedBlob): Promise<boolean> {
  const { blobs, ports, settings } = state
  try {
    const bytes = blobs.get(hash) ?? (await ports.fetchBlob(hash, count * bytesEach))
    if (!blobs.has(hash) && (await sha256Hex(new Uint8Array(bytes))) !== hash)
      throw new Error('it has another hash than its name')
    blobs.set(hash, bytes)
    return addBlob(snapshot, hash, bytes)
  } catch (cause) {
    // The flags that reach it are errors until a later question brings it.
    settings.logger.warn(`the list ${hash} of a segment cannot be had: ${String(cause)}`)
    return false
  }
}
