/** Where a view is refreshed from. Each gives true or false, and never rejects: what is held stays. */
import { formatKvValue, type Confirmation, type ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import { compareVersions } from '@halyard/shared/protocol/version.ts'
import { verifiedHead } from './adopt-checks.ts'
import { adoptAnswer, adoptOffer, adoptStored, isHeld, type Offer } from './adopt.ts'
import { inTime } from './flight.ts'
import { readText, readWord, shareContent, shareWord } from './view-location.ts'
import type { View, ViewPorts } from './view-state.ts'

const hubTimeoutMs = { cold: 1_500, warm: 10_000 }
const kvTimeoutMs = 1_500

/** True if an isolate of this location has heard enough from the hub, and what it heard of could be taken over. */
export async function refreshFromLocation(
  view: View,
  isEnough: (word: Confirmation) => boolean,
  ports: ViewPorts,
): Promise<boolean> {
  const word = await readWord(view, ports)
  if (!word || !isEnough(word)) return false
  const offer = isHeld(view, word) ? word : await completed(view, word, ports)
  if (!offer || (await adoptOffer(view, offer, ports)) !== 'taken') return false
  view.answeredAt = Math.max(view.answeredAt, Math.min(word.confirmedAt, ports.now()))
  return true
}

export async function refreshFromHub(view: View, ports: ViewPorts): Promise<boolean> {
  try {
    const answer = await askHub(view, ports)
    if (!answer) return false
    view.answeredAt = ports.now()
    share(view, answer, ports)
    return true
  } catch (cause) {
    // The next source may have it; what is held stays.
    view.hub = 'failed'
    ports.report(view.environment, `the hub did not answer: ${String(cause)}`)
    return false
  }
}

/** KV, and for a cold view what is left at this location: whichever is the newest. Neither confirms anything. */
export async function refreshFromStores(view: View, ports: ViewPorts): Promise<void> {
  const isCold = !view.copy || !view.access
  await Promise.all([
    refreshFromKv(view, 'snapshot', ports),
    refreshFromKv(view, 'access', ports),
    ...(isCold ? [restore(view, ports)] : []),
  ])
}

/** The hub's answer, if it was taken over; it may come as deltas, and is asked for whole if these do not fit. */
async function askHub(view: View, ports: ViewPorts): Promise<ReadAnswer | null> {
  const { copy, access } = view
  const timeoutMs = copy && access ? hubTimeoutMs.warm : hubTimeoutMs.cold
  const ask = async (isWhole: boolean) =>
    await inTime(
      ports.readHub(view.environment, {
        ...(copy && !isWhole && { snapshotHash: copy.head.snapshotHash, takesDeltas: true }),
        ...(access && { accessHash: access.hash }),
      }),
      timeoutMs,
      ports,
    )
  let answer = await ask(false)
  view.hub = answer ? 'answered' : 'absent'
  let outcome = answer && (await adoptAnswer(view, answer, ports))
  if (outcome === 'unfit') {
    answer = await ask(true)
    outcome = answer && (await adoptAnswer(view, answer, ports))
  }
  return outcome === 'taken' || outcome === 'older' ? answer : null
}

/** Leaves for the other isolates what the hub has just said, unless newer things are known already. */
function share(view: View, { signedHead, confirmedAt, body, access, deltas }: ReadAnswer, ports: ViewPorts) {
  const { copy } = view
  if (!copy || copy.signedHead !== signedHead) return
  view.ownWordAt = Math.min(confirmedAt, ports.now())
  shareWord(view, { signedHead, confirmedAt: view.ownWordAt }, ports)
  if (body !== undefined || deltas) shareContent(view, copy.head.snapshotHash, copy.body, ports)
  if (access !== undefined) shareContent(view, copy.head.accessHash, access, ports)
}

/** A word with what the view lacks to it, as far as it lies here; null if the view is ahead of it. */
async function completed(view: View, word: Offer, ports: ViewPorts): Promise<Offer | null> {
  const head = await verifiedHead(view, word.signedHead, ports)
  if (!head || (view.copy && compareVersions(head, view.copy.head) < 0)) return null
  const [body, access] = await Promise.all([
    view.copy?.head.snapshotHash === head.snapshotHash ? undefined : readText(view, head.snapshotHash, ports),
    view.access?.hash === head.accessHash ? undefined : readText(view, head.accessHash, ports),
  ])
  if (body === null || access === null) return null
  return { ...word, ...(body !== undefined && { body }), ...(access !== undefined && { access }) }
}

/** The last copy that an isolate of this location shared, as if it came from KV. */
async function restore(view: View, ports: ViewPorts): Promise<void> {
  const word = await readWord(view, ports)
  const head = word && (await verifiedHead(view, word.signedHead, ports))
  if (!head) return
  const parts = [
    ['snapshot', head.snapshotHash],
    ['access', head.accessHash],
  ] as const
  await Promise.all(
    parts.map(async ([kind, hash]) => {
      const text = await readText(view, hash, ports)
      if (text !== null) await adoptStored(view, kind, formatKvValue(word, text), ports)
    }),
  )
}

async function refreshFromKv(view: View, kind: 'snapshot' | 'access', ports: ViewPorts): Promise<void> {
  try {
    const text = await inTime(ports.readKv(kind, view.environment), kvTimeoutMs, ports)
    if (text !== null) await adoptStored(view, kind, text, ports)
  } catch (cause) {
    // What is held stays.
    ports.report(view.environment, `KV did not answer: ${String(cause)}`)
  }
}
