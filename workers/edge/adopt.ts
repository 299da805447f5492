/**
 * Taking over what a source offers. A copy is swapped whole, after the head's signature and the hashes were verified,
 * and only if it is not older than what is held at the moment of the swap. Anything else is refused and counted.
 */
import { loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { compilePattern } from '@halyard/shared/pattern/pattern.ts'
import { parseAccess } from '@halyard/shared/protocol/access.ts'
import type { Head } from '@halyard/shared/protocol/head.ts'
import { parseKvValue, type Confirmation, type ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import { compareVersions, formatVersion } from '@halyard/shared/protocol/version.ts'
import { followDeltas, type Path } from './adopt-deltas.ts'
import { isAccessOf, isBodyOf, refuse, verifiedHead, type VerifyPorts } from './adopt-checks.ts'
import { dropUnnamedBlobs } from './blobs.ts'
import { namesFacts } from './request-facts.ts'
import { joinSteps, stepTo } from './view-deltas.ts'
import type { Access, Copy, Step, View } from './view-state.ts'

/**
 * `taken`: it is what the view holds now. `older`: it was sound, but what is held is newer. `unfit`: its deltas do not
 * lead on from what is held.
 */
export type Outcome = 'taken' | 'older' | 'refused' | 'unfit'

/** Somebody's word that this is head, and what he gave to it. */
export type Offer = Omit<ReadAnswer, 'deltas'>

/** A verified head with what its source gave to it. */
interface Candidate {
  readonly head: Head
  readonly signedHead: string
  readonly body?: string | undefined
  readonly access?: string | undefined
  readonly steps?: readonly Step[] | undefined
}

/** Takes over the hub's answer. */
export async function adoptAnswer(view: View, answer: ReadAnswer, ports: VerifyPorts): Promise<Outcome> {
  if (!isAnswer(answer)) return refuse(view, 'an answer of another form', ports)
  const { deltas, ...offer } = answer
  if (!deltas || offer.body !== undefined) return await adoptOffer(view, offer, ports)
  const path = await followDeltas(view, { ...offer, deltas }, ports)
  if (path === 'refused' || path === 'unfit') return path
  return await adoptOffer(view, offer, ports, path)
}

/** Takes over a head that is confirmed, with what came to it. */
export async function adoptOffer(
  view: View,
  offer: Offer,
  ports: VerifyPorts,
  path?: Path,
): Promise<Outcome> {
  if (isHeld(view, offer)) {
    confirm(view, Math.max(view.confirmedAt, offer.confirmedAt), ports)
    return 'taken'
  }
  const head = path?.head ?? (await verifiedHead(view, offer.signedHead, ports))
  if (!head) return 'refused'
  const { signedHead, confirmedAt } = offer
  const body = path?.body ?? (await sound(offer.body, (text) => isBodyOf(head, text, ports)))
  const access = await sound(offer.access, (text) => isAccessOf(head, text, ports))
  // From here on nothing waits: what is compared is what is replaced.
  const order = compareWithHeld(view, head)
  if (order === 'older') return 'older'
  if (order === 'conflict') return refuse(view, 'a head of the same version with another content', ports)
  if (!swap(view, { head, signedHead, body, access, steps: path?.steps }, ports.now()))
    return refuse(view, 'a body or access record that its head does not name', ports)
  confirm(view, order === 'newer' ? confirmedAt : Math.max(view.confirmedAt, confirmedAt), ports)
  return 'taken'
}

/** Takes over a value of KV's form, the two kinds of which replicate independently. It confirms nothing. */
export async function adoptStored(
  view: View,
  kind: 'snapshot' | 'access',
  text: string,
  ports: VerifyPorts,
): Promise<void> {
  const value = parseKvValue(text)
  if (!value) return void refuse(view, 'a stored value of another form', ports)
  const { signedHead, content, confirmedAt } = value
  const head = await verifiedHead(view, signedHead, ports)
  if (!head) return
  const isSound = await (kind === 'snapshot' ? isBodyOf : isAccessOf)(head, content, ports)
  // From here on nothing waits: what is compared is what is replaced.
  if (!isSound) {
    refuse(view, 'a stored value that its head does not name', ports)
  } else if (kind === 'access') {
    if (view.access && compareVersions(head, view.access.at) <= 0) return
    view.access = nextAccess(view, head, content) ?? view.access
  } else if (compareWithHeld(view, head) === 'newer') {
    const copy = nextCopy(view, { head, signedHead, body: content })
    if (copy) setCopy(view, copy, [stepTo(view, copy, ports.now())])
    view.confirmedAt = Number.isFinite(confirmedAt) ? Math.min(confirmedAt, ports.now()) : -Infinity
    view.isConfirmed = false
  }
}

/** Whether that head is the one of the copy and the access record that are held. */
export function isHeld({ copy, access }: View, { signedHead }: Pick<Confirmation, 'signedHead'>): boolean {
  return signedHead === copy?.signedHead && access?.hash === copy.head.accessHash
}

/** The other end may be of another version, or broken. */
function isAnswer({ signedHead, confirmedAt, body, access, deltas }: ReadAnswer): boolean {
  return (
    typeof signedHead === 'string' &&
    Number.isFinite(confirmedAt) &&
    [body, access].every((text) => text === undefined || typeof text === 'string') &&
    (deltas === undefined || Array.isArray(deltas))
  )
}

async function sound(
  text: string | undefined,
  isSound: (text: string) => Promise<boolean>,
): Promise<string | undefined> {
  return text !== undefined && (await isSound(text)) ? text : undefined
}

function compareWithHeld(view: View, head: Head): 'newer' | 'same' | 'older' | 'conflict' {
  const held = view.copy?.head
  const order = held ? compareVersions(head, held) : 1
  if (order > 0) return 'newer'
  if (order < 0) return 'older'
  return head.snapshotHash === held?.snapshotHash && head.accessHash === held.accessHash ? 'same' : 'conflict'
}

/** Replaces copy and access record together; false if one of them cannot be had. */
function swap(view: View, candidate: Candidate, now: number): boolean {
  const copy = nextCopy(view, candidate)
  const access = nextAccess(view, candidate.head, candidate.access)
  if (!copy || !access) return false
  setCopy(view, copy, candidate.steps ?? [stepTo(view, copy, now)])
  view.access = access
  return true
}

function nextCopy(view: View, { head, signedHead, body }: Candidate): Copy | null {
  const token = formatVersion(head)
  if (view.copy?.head.snapshotHash === head.snapshotHash) return { ...view.copy, head, signedHead, token }
  if (body === undefined) return null
  const snapshot = loadSnapshot(body, { compilePattern })
  return { head, signedHead, token, body, snapshot, readsFacts: namesFacts(body) }
}

function setCopy(view: View, copy: Copy, steps: readonly Step[]): void {
  const isNew = view.copy?.snapshot !== copy.snapshot
  view.steps = joinSteps(view.steps, steps)
  view.copy = copy
  if (isNew) dropUnnamedBlobs(view)
}

/** The record may be newer than the copy: KV brings the two apart. */
function nextAccess(view: View, head: Head, text: string | undefined): Access | null {
  if (view.access && compareVersions(view.access.at, head) > 0) return view.access
  if (view.access?.hash === head.accessHash) return { ...view.access, at: head }
  const record = text === undefined ? null : parseAccess(text)
  if (!record || text === undefined || record.environment !== head.environment) return null
  return {
    hash: head.accessHash,
    at: head,
    keys: new Map(record.keys.map((key) => [key.hash, key])),
    length: text.length,
  }
}

/** A clock that runs ahead of ours must not make a copy look young for longer. */
function confirm(view: View, confirmedAt: number, ports: VerifyPorts): void {
  view.confirmedAt = Math.min(confirmedAt, ports.now())
  view.isConfirmed = true
}
