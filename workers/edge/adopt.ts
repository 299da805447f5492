/**
 * Taking over what a source offers. A copy is swapped whole, after the head's signature and the hashes were verified,
 * and only if it is not older than what is held at the moment of the swap. Anything else is refused and counted.
 */
import { loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { compilePattern } from '@halyard/shared/pattern/pattern.ts'
import { parseAccess } from '@halyard/shared/protocol/access.ts'
import { snapshotSchema, type Head } from '@halyard/shared/protocol/head.ts'
import type { ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import { compareVersions, formatVersion } from '@halyard/shared/protocol/version.ts'
import { dropUnnamedBlobs } from './blobs.ts'
import { namesFacts } from './request-facts.ts'
import type { Access, Copy, KvValue, View, ViewPorts } from './view-state.ts'

type AdoptPorts = Pick<ViewPorts, 'verify' | 'hash' | 'report' | 'now'>

/** True if the hub's answer was taken, or is older than what came meanwhile. */
export async function adoptFromHub(view: View, answer: ReadAnswer, ports: AdoptPorts): Promise<boolean> {
  const { signedHead, confirmedAt, body, access: accessText } = answer
  if (signedHead === view.copy?.signedHead && view.access && view.access.hash === view.copy.head.accessHash) {
    confirm(view, Math.max(view.confirmedAt, confirmedAt), ports)
    return true
  }
  const head = await verified(view, signedHead, ports)
  if (!head) return false
  const hasBody = body !== undefined && (await ports.hash(body)) === head.snapshotHash
  const hasAccess = accessText !== undefined && (await ports.hash(accessText)) === head.accessHash
  // From here on nothing waits: what is compared is what is replaced.
  const order = compareWithHeld(view, head)
  if (order === 'older') return true
  if (order === 'conflict') return refuse(view, 'a head of the same version with another content', ports)
  const copy = nextCopy(view, head, { signedHead, body: hasBody ? body : undefined })
  const access = nextAccess(view, head, hasAccess ? accessText : undefined)
  if (!copy || !access) return refuse(view, 'a body or access record that its head does not name', ports)
  setCopy(view, copy)
  view.access = access
  confirm(view, order === 'newer' ? confirmedAt : Math.max(view.confirmedAt, confirmedAt), ports)
  return true
}

/** Takes over a value from KV, whose two kinds replicate independently. It confirms nothing. */
export async function adoptFromKv(
  view: View,
  kind: 'snapshot' | 'access',
  value: KvValue,
  ports: AdoptPorts,
): Promise<void> {
  const head = await verified(view, value.signedHead, ports)
  if (!head) return
  const hash = await ports.hash(value.content)
  // From here on nothing waits: what is compared is what is replaced.
  if (hash !== (kind === 'snapshot' ? head.snapshotHash : head.accessHash)) {
    refuse(view, 'a KV value that its head does not name', ports)
  } else if (kind === 'access') {
    if (view.access && compareVersions(head, view.access.at) <= 0) return
    view.access = nextAccess(view, head, value.content) ?? view.access
  } else if (compareWithHeld(view, head) === 'newer') {
    const copy = nextCopy(view, head, { signedHead: value.signedHead, body: value.content })
    if (copy) setCopy(view, copy)
    view.confirmedAt = Math.min(value.confirmedAt, ports.now())
    view.isConfirmed = false
  }
}

/** The head, if it is signed by a trusted key, is of this environment and of a schema that is understood. */
async function verified(view: View, signedHead: string, ports: AdoptPorts): Promise<Head | null> {
  const head = await ports.verify(signedHead)
  if (head && head.environment === view.environment && head.schema <= snapshotSchema) return head
  refuse(
    view,
    head ? 'a head of another environment or a newer schema' : 'a head that nobody trusted signed',
    ports,
  )
  return null
}

function compareWithHeld(view: View, head: Head): 'newer' | 'same' | 'older' | 'conflict' {
  const held = view.copy?.head
  const order = held ? compareVersions(head, held) : 1
  if (order > 0) return 'newer'
  if (order < 0) return 'older'
  return head.snapshotHash === held?.snapshotHash && head.accessHash === held.accessHash ? 'same' : 'conflict'
}

function nextCopy(
  view: View,
  head: Head,
  { signedHead, body }: { signedHead: string; body: string | undefined },
): Copy | null {
  const token = formatVersion(head)
  if (view.copy?.head.snapshotHash === head.snapshotHash) return { ...view.copy, head, signedHead, token }
  if (body === undefined) return null
  const snapshot = loadSnapshot(body, { compilePattern })
  return { head, signedHead, token, body, snapshot, readsFacts: namesFacts(body) }
}

function setCopy(view: View, copy: Copy): void {
  const isNew = view.copy?.snapshot !== copy.snapshot
  view.copy = copy
  if (isNew) dropUnnamedBlobs(view)
}

function nextAccess(view: View, head: Head, text: string | undefined): Access | null {
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
function confirm(view: View, confirmedAt: number, ports: AdoptPorts): void {
  view.confirmedAt = Math.min(confirmedAt, ports.now())
  view.isConfirmed = true
}

function refuse(view: View, what: string, ports: AdoptPorts): false {
  view.refusedCount += 1
  ports.report(view.environment, `refused ${what}`)
  return false
}
