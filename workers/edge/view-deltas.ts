/**
 * The way that a view has come: its last few versions, and the deltas between them, so that a reader who holds one of
 * them is told what has changed. What the hub gives as deltas is kept; where whole bodies come, deltas are made as long
 * as somebody asks for them.
 */
import { changesBetween, type Delta } from '@halyard/shared/protocol/delta.ts'
import { compareVersions, type Version } from '@halyard/shared/protocol/version.ts'
import type { Copy, HeldView, Step, View } from './view-state.ts'

export const stepsMax = 50
export const stepBytesMax = 256 * 1024
/** Deltas are made for this long after somebody asked for them. */
const interestMs = 10 * 60_000
const emptyStepBytes = 256
const bytesPerUnit = 2

export function stepOf(at: Version, snapshotHash: string, delta: Delta | null): Step {
  return { at, snapshotHash, delta, bytes: emptyStepBytes + bytesPerUnit * (delta ? lengthOf(delta) : 0) }
}

/** The step from the copy that the view holds to the next one, whose whole body came. */
export function stepTo({ copy, sinceAskedAt }: View, next: Copy, now: number): Step {
  const { head, signedHead, body } = next
  const isAsked = copy && copy.head.snapshotHash !== head.snapshotHash && now - sinceAskedAt <= interestMs
  const delta = isAsked
    ? { signedHead, base: copy.head.snapshotHash, ...changesBetween(copy.body, body) }
    : null
  return stepOf(head, head.snapshotHash, delta)
}

/** Goes on from the steps known, or starts anew where these do not lead on from them; the oldest make room. */
export function joinSteps(known: readonly Step[], added: readonly Step[]): readonly Step[] {
  const before = known.at(-1)
  const isContinued = before !== undefined && leadsOn(before, added[0])
  let steps = isContinued ? [...known, ...added] : added
  let bytes = steps.reduce((sum, step) => sum + step.bytes, 0)
  while (steps.length > 1 && (steps.length > stepsMax || bytes > stepBytesMax)) {
    bytes -= steps[0]?.bytes ?? 0
    steps = steps.slice(1)
  }
  return steps
}

/**
 * What leads from that version to the copy held, in order; null if it is not known, or longer than the body. A reader
 * whose body is another than that of `base` must ask for the whole.
 */
export function deltasSince({ steps, copy }: HeldView, since: Version): readonly Delta[] | null {
  const start = steps.findIndex(({ at }) => compareVersions(at, since) === 0)
  if (start === -1) return null
  const deltas = steps.slice(start + 1).flatMap(({ delta }) => delta ?? [])
  const length = deltas.reduce((sum, delta) => sum + lengthOf(delta), 0)
  return length <= copy.body.length ? deltas : null
}

function leadsOn(before: Step, next: Step | undefined): boolean {
  return (next?.delta ? next.delta.base : next?.snapshotHash) === before.snapshotHash
}

/** UTF-16 units, about. */
function lengthOf({ signedHead, base, set, remove, splice }: Delta): number {
  let length = signedHead.length + base.length
  for (const line of set) length += line.length + 4
  for (const name of remove) length += name.length + 4
  for (const [name, , , text] of splice) length += name.length + text.length + 24
  return length
}
