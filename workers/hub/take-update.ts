/** How a relay comes to hold a newer version: everything is verified before it is swapped in, whole. */
import { parseAccess } from '@halyard/shared/protocol/access.ts'
import { applyChanges, changesBetween, type Delta } from '@halyard/shared/protocol/delta.ts'
import { snapshotSchema, type Head } from '@halyard/shared/protocol/head.ts'
import { compareVersions, formatVersion, parseVersion } from '@halyard/shared/protocol/version.ts'
import { dropOtherContent, readContent, writeContent } from './content.ts'
import { appendLink, clearLinks, isShort, type Link } from './delta-ring.ts'
import { closeRefused, tell } from './fan-out.ts'
import { makeGreetings, setTimes, type Relay } from './relay-state.ts'
import type { RelayUpdate } from './relay-wire.ts'
import {
  createReplicaTables,
  readKeys,
  writeReplica,
  writeTimes,
  type Place,
  type Replica,
} from './replica.ts'

/**
 * `short`: it does not lead on from what is held, so that the rest is to be asked for. `older`: what is held is newer.
 * `refused`: it is not what it says, or not ours.
 */
export type Taken = 'taken' | 'same' | 'older' | 'short' | 'refused'

/** A version that is sound: its texts are null where they are those that are held. */
interface Candidate {
  readonly head: Head
  readonly body: string | null
  readonly access: string | null
  /** What leads there from what is held; null if it does not. */
  readonly links: readonly Link[] | null
}

export async function takeUpdate(relay: Relay, place: Place, update: RelayUpdate): Promise<Taken> {
  const before = relay.replica
  const candidate = await verifyUpdate(relay, place, update)
  if (typeof candidate === 'string') return candidate
  // Another update was faster: this one is to be held against what that has made of the replica.
  if (relay.replica !== before) return await takeUpdate(relay, place, update)
  const order = before ? compareVersions(candidate.head, before.head) : 1
  if (order < 0) return 'older'
  if (order > 0) {
    relay.times = { ...relay.times, confirmedAt: update.confirmedAt }
    const { environment, relay: name } = place
    swap(relay, { environment, relay: name, ...replicaOf(before, update, candidate) }, candidate)
    return 'taken'
  }
  if (before?.signedHead !== update.signedHead && !isSameContent(before?.head, candidate.head))
    return 'refused'
  setTimes(relay, { confirmedAt: Math.max(relay.times.confirmedAt, update.confirmedAt) })
  return 'same'
}

/** The body of what is held. */
export function bodyOf(relay: Relay, { head }: Replica): string {
  relay.body ??= readContent(relay.ports.sql, head.snapshotHash)
  return relay.body
}

async function verifyUpdate(
  relay: Relay,
  { environment }: Place,
  update: RelayUpdate,
): Promise<Candidate | Exclude<Taken, 'taken' | 'same'>> {
  const { verify, hash } = relay.ports
  const head = await verify(update.signedHead)
  if (!head || head.environment !== environment || head.schema > snapshotSchema) return 'refused'
  if (relay.replica && compareVersions(head, relay.replica.head) < 0) return 'older'
  const steps = await stepsOf(relay, head, update)
  if (typeof steps === 'string') return steps
  const { body } = steps
  if (body !== null && (await hash(body)) !== head.snapshotHash) return 'refused'
  const access = await accessOf(relay, head, update)
  if (access === 'short' || access === 'refused') return access
  const links = steps.links ?? (body === null ? null : shortcut(relay, head, { update, body }))
  return { head, body, links, access: access.text }
}

interface Steps {
  readonly body: string | null
  readonly links: readonly Link[] | null
}

/** The way from the body that is held to the head's, or the head's body as it was sent. */
async function stepsOf(relay: Relay, head: Head, update: RelayUpdate): Promise<Steps | 'short' | 'refused'> {
  const held = relay.replica
  if (held?.head.snapshotHash === head.snapshotHash) {
    const nothing = {
      signedHead: update.signedHead,
      base: head.snapshotHash,
      set: [],
      remove: [],
      splice: [],
    }
    return { body: null, links: linksOf(held, [{ delta: nothing, head }]) }
  }
  if (update.body !== undefined) return { body: update.body, links: null }
  const start = (update.deltas ?? []).findLastIndex(({ base }) => base === held?.head.snapshotHash)
  if (!held || start === -1) return 'short'
  const followed = await follow(relay, held, (update.deltas ?? []).slice(start))
  // They are to end where the head is, not only at the same content.
  const end = typeof followed === 'string' ? null : followed.links?.at(-1)?.resultAt
  return typeof followed === 'string' || end === formatVersion(head) ? followed : 'short'
}

async function follow(
  relay: Relay,
  held: Replica,
  deltas: readonly Delta[],
): Promise<Steps | 'short' | 'refused'> {
  let body: string | null = bodyOf(relay, held)
  let at = held.head
  const steps: Step[] = []
  for (const delta of deltas) {
    // oxlint-disable-next-line no-await-in-loop -- each begins where the one before ends
    const head = await relay.ports.verify(delta.signedHead)
    if (!head || head.environment !== held.environment || delta.base !== at.snapshotHash) return 'refused'
    if (compareVersions(head, at) <= 0) return 'short'
    body = applyChanges(body, delta)
    if (body === null) return 'short'
    steps.push({ delta, head })
    at = head
  }
  return { body, links: linksOf(held, steps) }
}

/** From a body that came whole, when one is held already: thousands of sockets need not have all of it, too. */
function shortcut(
  relay: Relay,
  head: Head,
  { update, body }: { readonly update: RelayUpdate; readonly body: string },
): readonly Link[] | null {
  const held = relay.replica
  if (!held) return null
  const before = bodyOf(relay, held)
  const changes = changesBetween(before, body)
  const bytes = new TextEncoder().encode(JSON.stringify(changes)).length
  // What was signed may be no sorted lines at all: then deltas do not describe it.
  if (!isShort(bytes, head.size) || applyChanges(before, changes) !== body) return null
  const { signedHead } = update
  return linksOf(held, [{ delta: { ...changes, signedHead, base: held.head.snapshotHash }, head }])
}

interface Step {
  readonly delta: Delta
  readonly head: Head
}

function linksOf(held: Replica, steps: readonly Step[]): readonly Link[] {
  return steps.map(({ delta, head }, index) => ({
    ...delta,
    baseAt: formatVersion(steps[index - 1]?.head ?? held.head),
    result: head.snapshotHash,
    resultAt: formatVersion(head),
  }))
}

async function accessOf(relay: Relay, head: Head, update: RelayUpdate) {
  if (relay.replica?.head.accessHash === head.accessHash) return { text: null }
  if (update.access === undefined) return 'short'
  if ((await relay.ports.hash(update.access)) !== head.accessHash) return 'refused'
  const record = parseAccess(update.access)
  return record?.environment === head.environment ? { text: update.access } : 'refused'
}

function isSameContent(held: Head | undefined, head: Head): boolean {
  return held?.snapshotHash === head.snapshotHash && held.accessHash === head.accessHash
}

function replicaOf(before: Replica | null, update: RelayUpdate, { head, access }: Candidate) {
  const at = formatVersion(head)
  const clientAt = laterOf(before?.clientAt, update.clientAt ?? at)
  const keys = access === null ? (before?.keys ?? new Map()) : readKeys(access)
  return { signedHead: update.signedHead, head, at, clientAt, keys }
}

/** The token never goes down for a reader, whichever version of the hub it came from. */
function laterOf(held: string | undefined, token: string): string {
  const [before, after] = [parseVersion(held ?? ''), parseVersion(token)]
  return held !== undefined && before && after && compareVersions(before, after) > 0 ? held : token
}

/** One turn from here on: what the sockets hold, the memory and the storage move together. */
function swap(relay: Relay, replica: Replica, { body, access, links }: Candidate): void {
  const before = relay.replica
  relay.replica = replica
  if (body !== null) relay.body = body
  relay.greetings = makeGreetings()
  if (before) announce(relay, before, replica, links)
  // Stored after it was sent, since what is sent after a write waits until that is on disk. If it is lost, so are
  // the sockets that heard of it.
  const { sql } = relay.ports
  relay.ports.transactionSync(() => {
    createReplicaTables(sql)
    if (body !== null) writeContent(sql, replica.head.snapshotHash, body)
    if (access !== null) writeContent(sql, replica.head.accessHash, access)
    dropOtherContent(sql, replica.head)
    if (links) for (const link of links) appendLink(sql, link)
    else clearLinks(sql)
    writeReplica(sql, replica)
    writeTimes(sql, relay.times)
  })
}

function announce(relay: Relay, before: Replica, replica: Replica, links: readonly Link[] | null): void {
  closeRefused(relay)
  const { signedHead, clientAt } = replica
  if (links) {
    const deltas = links.map(({ signedHead, base, set, remove, splice }) => ({
      signedHead,
      base,
      set,
      remove,
      splice,
    }))
    tell(
      relay,
      'server',
      deltas.map((delta) => ({ kind: 'delta', ...delta })),
    )
  } else {
    tell(relay, 'server', [{ kind: 'snapshot', signedHead, body: bodyOf(relay, replica) }])
  }
  if (clientAt !== before.clientAt) tell(relay, 'client', [{ kind: 'changed', version: clientAt }])
}
