/** Going on from the body held by deltas, each on its exact base; the result must have the hash that the head names. */
import { applyChanges, type Delta } from '@halyard/shared/protocol/delta.ts'
import { snapshotSizeMax, type Head } from '@halyard/shared/protocol/head.ts'
import { compareVersions } from '@halyard/shared/protocol/version.ts'
import { isBodyOf, refuse, verifiedHead, type VerifyPorts } from './adopt-checks.ts'
import { stepOf } from './view-deltas.ts'
import type { Copy, Step, View } from './view-state.ts'

/** Where deltas lead: a verified head, the body that it names, and the steps on the way. */
export interface Path {
  readonly head: Head
  readonly body: string
  readonly steps: readonly Step[]
}

interface Chain {
  readonly signedHead: string
  readonly deltas: readonly Delta[]
}

/** Each delta goes through the whole body: beyond this many UTF-16 units in all the whole body is cheaper. */
const chainUnitsMax = 8 * 1024 * 1024

/** `unfit`: they do not lead from what is held to that head. Nothing is changed. */
export async function followDeltas(
  view: View,
  { signedHead, deltas }: Chain,
  ports: VerifyPorts,
): Promise<Path | 'refused' | 'unfit'> {
  const { copy } = view
  if (!copy || deltas.length * copy.body.length > chainUnitsMax) return 'unfit'
  const head = await verifiedHead(view, signedHead, ports)
  if (!head) return 'refused'
  const walked = await walk(view, { copy, deltas }, ports)
  const isThere = walked?.hash === head.snapshotHash && (await isBodyOf(head, walked.body, ports))
  if (isThere) return { head, body: walked.body, steps: withHead(walked.steps, head) }
  refuse(view, 'deltas that do not lead to their head', ports)
  return 'unfit'
}

async function walk(
  view: View,
  { copy, deltas }: { copy: Copy; deltas: readonly Delta[] },
  ports: VerifyPorts,
): Promise<{ body: string; hash: string; steps: readonly Step[] } | null> {
  const steps: Step[] = []
  let { body, head: at } = copy
  try {
    for (const delta of deltas) {
      // oxlint-disable-next-line no-await-in-loop -- each goes on from the one before
      const next = await verifiedHead(view, delta.signedHead, ports)
      const changed = applyChanges(body, delta)
      if (!next || delta.base !== at.snapshotHash || compareVersions(next, at) <= 0) return null
      if (changed === null || changed.length > snapshotSizeMax) return null
      steps.push(stepOf(next, next.snapshotHash, delta))
      body = changed
      at = next
    }
  } catch {
    return null // no deltas at all: the whole body is asked for
  }
  return { body, hash: at.snapshotHash, steps }
}

/** The head itself is a step where only keys have changed since the last delta. */
function withHead(steps: readonly Step[], head: Head): readonly Step[] {
  const last = steps.at(-1)
  return last && compareVersions(last.at, head) >= 0
    ? steps
    : [...steps, stepOf(head, head.snapshotHash, null)]
}
