import { amendBlob, openBlob } from '@halyard/shared/engine/blob.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { SegmentMembers } from '@halyard/shared/contract/segment.ts'
import type { Actor, Deps } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import { keepBlob, readBlobIn, storeBlob } from '../store/segment-blobs.ts'
import { forgetMade } from '../store/segment-uploads.ts'
import { commitChange, type Change } from './change.ts'
import { openMembers, writeMembers, type Conditional, type MembersPath } from './members.ts'
import { nameBlob } from './members-list.ts'

interface Edit {
  readonly add: readonly string[]
  readonly remove: readonly string[]
}

/** Adds and removes single ids: in the overlay, which travels in the snapshot, until it is full. */
export async function editMembers(deps: Deps, actor: Actor, at: MembersPath, edit: Edit & Conditional) {
  return commitChange(deps, actor, async (change) => {
    const opened = await openMembers(change, at, edit)
    const members = await edited(change, opened.state.state.members, edit)
    return await writeMembers(change, opened, { action: 'segment.members', members, comment: edit.comment })
  })
}

/** Takes every id out of the list. */
export async function clearMembers(deps: Deps, actor: Actor, at: MembersPath, condition: Conditional) {
  return commitChange(deps, actor, async (change) => {
    const opened = await openMembers(change, at, condition)
    await forgetMade(change.tx, opened.place)
    return await writeMembers(change, opened, { action: 'segment.members', members: null })
  })
}

async function edited(
  change: Change,
  members: SegmentMembers | null,
  edit: Edit,
): Promise<SegmentMembers | null> {
  const { added, removed } = overlaid(members, edit)
  if (members && added.length + removed.length <= limits.memberEdits) return { ...members, added, removed }
  // Rarely, and so inside the change: nothing can come between the list that is read and the one that is written.
  return await rebuilt(change, members?.hash ?? null, { add: added, remove: removed })
}

/** An id that comes goes out of `removed`, and the other way round: whether the list has it need not be known. */
function overlaid(
  members: SegmentMembers | null,
  { add, remove }: Edit,
): Pick<SegmentMembers, 'added' | 'removed'> {
  const added = new Set(members?.added)
  const removed = new Set(members?.removed)
  for (const id of add) {
    added.add(id)
    removed.delete(id)
  }
  for (const id of remove) {
    removed.add(id)
    added.delete(id)
  }
  return { added: [...added], removed: [...removed] }
}

/** A list of the present one with the overlay worked in. */
async function rebuilt(
  { tx, actor: { orgId }, now }: Change,
  hash: string | null,
  { add, remove }: Edit,
): Promise<SegmentMembers | null> {
  const bytes = hash === null ? new Uint8Array() : await readBlobIn(tx, { orgId, hash })
  const blob = bytes && openBlob(bytes)
  if (!blob) throw new Error(`blob ${hash} of a committed list is missing`)
  const sealed = await nameBlob(amendBlob(blob, add, remove))
  if (sealed.count === 0) return null
  if (sealed.count > limits.segmentMembers) {
    throw new ProblemError('limit_reached', { detail: `at most ${limits.segmentMembers} ids in a list` })
  }
  await storeBlob(tx, { orgId, now }, sealed)
  await keepBlob(tx, { orgId, hash: sealed.hash })
  return { hash: sealed.hash, count: sealed.count, added: [], removed: [] }
}
