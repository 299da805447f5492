/**
 * The copy that a reader holds. It is swapped whole, after the head's signature and the content were verified, and only
 * for a newer one: what is compared is what is held at the moment of the swap. Nothing takes it away: it has no expiry.
 */
import { applyChanges, type Delta } from '@halyard/shared/protocol/delta.ts'
import {
  snapshotSchema,
  snapshotSizeMax,
  type Head,
  type HeadVerifier,
} from '@halyard/shared/protocol/head.ts'
import { compareVersions, formatVersion } from '@halyard/shared/protocol/version.ts'

/** Where a copy came from. */
export type CopyOrigin = 'bootstrap' | 'store' | 'stream' | 'poll'

/** One version of an environment, verified. */
export interface Copy {
  readonly origin: CopyOrigin
  readonly head: Head
  readonly signedHead: string
  /** The version as a token, `epoch.version`. */
  readonly token: string
  /** Lines of `kind TAB key TAB JSON`, sorted by code unit. */
  readonly body: string
}

export interface Replica {
  readonly environment: string
  copy: Copy | null
  /** What was offered and not taken. */
  refusedCount: number
}

export interface ReplicaPorts {
  readonly verify: HeadVerifier
  /** SHA-256 of the UTF-8 of a text, hex. */
  readonly hash: (text: string) => Promise<string>
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Hears of what was refused, and why. */
  readonly report: (what: string) => void
  /** A copy was swapped in. */
  readonly changed: (copy: Copy) => void
}

/**
 * What became of an offer. `swapped`: it is held now. `held`: as new or newer was held already. `unfit`: it is not the
 * content that its head names, or starts from another body than the one held: the whole is needed. `refused`: its head
 * is not to be trusted, or not understood.
 */
export type Taken = 'swapped' | 'held' | 'unfit' | 'refused'

/** A head this far ahead of our clock is refused: a clock that is wrong by more would fail at TLS already. */
const aheadMaxMs = 24 * 3_600_000

/** The head, if a trusted key signed it for this environment, and this reader understands it; else it is refused. */
export async function readHead(
  replica: Replica,
  signedHead: string,
  ports: ReplicaPorts,
): Promise<Head | null> {
  if (signedHead === replica.copy?.signedHead) return replica.copy.head
  const head = await ports.verify(signedHead)
  const fault = head ? faultOf(head, replica.environment, ports.now()) : 'a head that nobody trusted signed'
  if (fault !== null) refuse(replica, fault, ports)
  return fault === null ? head : null
}

/** Takes a whole snapshot over, if it is sound and newer than what is held. */
export async function takeSnapshot(
  replica: Replica,
  { signedHead, body, origin }: Pick<Copy, 'signedHead' | 'body' | 'origin'>,
  ports: ReplicaPorts,
): Promise<Taken> {
  const head = await readHead(replica, signedHead, ports)
  if (!head) return 'refused'
  if (isHeld(replica, head)) return 'held'
  if (!(await isContent(head, body, ports)))
    return unfit(replica, 'a body that its head does not name', ports)
  return swap(replica, { origin, head, signedHead, token: formatVersion(head), body }, ports)
}

/** Makes the next body of the one that is held, if the delta starts from that very one. */
export async function takeDelta(
  replica: Replica,
  delta: Delta & Pick<Copy, 'origin'>,
  ports: ReplicaPorts,
): Promise<Taken> {
  const { signedHead, base, origin } = delta
  const head = await readHead(replica, signedHead, ports)
  if (!head) return 'refused'
  if (isHeld(replica, head)) return 'held'
  if (replica.copy?.head.snapshotHash !== base) return 'unfit'
  const body = applyChanges(replica.copy.body, delta)
  if (body === null || !(await isContent(head, body, ports)))
    return unfit(replica, 'a delta that does not lead to what its head names', ports)
  return swap(replica, { origin, head, signedHead, token: formatVersion(head), body }, ports)
}

/** Whether what is held is that version or a newer one. */
export function isHeld({ copy }: Replica, head: Head): boolean {
  return copy !== null && compareVersions(head, copy.head) <= 0
}

/** Nothing waits in here: what is compared is what is replaced. */
function swap(replica: Replica, copy: Copy, ports: ReplicaPorts): Taken {
  if (isHeld(replica, copy.head)) return 'held'
  replica.copy = copy
  ports.changed(copy)
  return 'swapped'
}

async function isContent(head: Head, body: string, { hash }: ReplicaPorts): Promise<boolean> {
  if (body.length > snapshotSizeMax || new TextEncoder().encode(body).length !== head.size) return false
  return (await hash(body)) === head.snapshotHash
}

function faultOf(head: Head, environment: string, now: number): string | null {
  if (head.environment !== environment) return 'a head of another environment'
  if (head.schema > snapshotSchema) return 'a head of a newer schema'
  if (head.size > snapshotSizeMax) return 'a head of a snapshot that is too large'
  return head.time > now + aheadMaxMs ? 'a head that was signed in the future' : null
}

function unfit(replica: Replica, what: string, ports: ReplicaPorts): Taken {
  refuse(replica, what, ports)
  return 'unfit'
}

function refuse(replica: Replica, what: string, ports: ReplicaPorts): void {
  replica.refusedCount += 1
  ports.report(`refused ${what}`)
}
