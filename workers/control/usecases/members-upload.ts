import { limits } from '@halyard/shared/contract/limits.ts'
import type { MemberFormat, MembersCommit } from '@halyard/shared/contract/members-endpoints.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import type { Actor, Deps } from '../ports.ts'
import { invalid, ProblemError } from '../problem.ts'
import { keepBlob, storeBlob } from '../store/segment-blobs.ts'
import {
  countUploads,
  dropOldUploads,
  dropUpload,
  finishUpload,
  forgetMade,
  keepMade,
  lockUpload,
  selectUploadPart,
  selectUploadParts,
  selectUploads,
  touchUpload,
  writeUploadPart,
  type MembersPlace,
  type UploadPartRow,
  type UploadRow,
} from '../store/segment-uploads.ts'
import { commitChange, versionsOf, type Change } from './change.ts'
import { found } from './find.ts'
import {
  findMembers,
  membersAnswer,
  missingParts,
  openMembers,
  readMembers,
  writeMembers,
  type Conditional,
  type MembersPath,
} from './members.ts'
import { openList, type SealedList } from './members-list.ts'

interface Part {
  readonly upload: string
  readonly part: number
  readonly format: MemberFormat
  readonly content: Uint8Array<ArrayBuffer>
}

/**
 * Keeps one part of an upload. The same part may be sent again, with the same or with other bytes; under the name of a
 * committed upload a part begins it anew.
 */
export async function putPart(
  deps: Deps,
  actor: Actor,
  at: MembersPath,
  { upload, part, format, content }: Part,
) {
  if (content.length === 0) throw invalid('body', 'a part holds at least one byte')
  const { row, place } = await findMembers(deps, actor, at)
  if (row.archivedAt) throw new ProblemError('segment_archived', { detail: `restore "${row.key}" first` })
  const sha256 = await sha256Hex(content)
  await deps.db.write(actor.orgId, async (tx) => {
    const now = new Date(deps.nowMs())
    await dropOldUploads(tx, actor.orgId, now)
    const held = await touchUpload(tx, { ...place, name: upload, format, updatedAt: now })
    if (held.format !== format) throw invalid('Content-Type', `the parts of "${upload}" are ${held.format}`)
    if ((await countUploads(tx, place)) > limits.uploadsPerEnvironment) {
      throw new ProblemError('limit_reached', {
        detail: `at most ${limits.uploadsPerEnvironment} uploads of an environment are open at a time: commit one, discard one (${discarding('NAME')}), or wait a day`,
      })
    }
    await writeUploadPart(tx, { ...place, upload, part, sha256, bytes: content })
  })
  const { result, etag } = await readMembers(deps, actor, { ...at, upload })
  return { result: { ...result, versions: {}, warnings: [] }, ...(etag !== undefined && { etag }) }
}

/** Drops an upload with its parts; the list stays as it is. */
export async function discardUpload(
  deps: Deps,
  actor: Actor,
  at: MembersPath,
  { upload, ...condition }: { readonly upload: string } & Conditional,
) {
  return commitChange(deps, actor, async (change) => {
    const opened = await openMembers(change, at, condition)
    if (!(await dropUpload(change.tx, opened.place, upload))) throw new ProblemError('upload_not_found')
    return await membersAnswer(change, opened, versionsOf([opened.environment]))
  })
}

/**
 * Makes a list of an upload and puts it in place of the present one. The parts are read and the blob is stored before
 * the change begins; the change then holds only if no part was sent again meanwhile. Committed before: nothing is done.
 */
export async function commitUpload(
  deps: Deps,
  actor: Actor,
  at: MembersPath,
  { ifMatch, comment, ...order }: MembersCommit & Conditional,
) {
  const { upload, format, column } = order
  const { place } = await findMembers(deps, actor, at)
  const [uploads, parts] = await deps.db.read(actor.orgId, (db) => [
    selectUploads(db, place, upload),
    selectUploadParts(db, place, upload),
  ])
  const held = found(uploads[0], 'upload_not_found')
  if (held.committed) return await commitChange(deps, actor, (change) => answerAgain(change, at, order))
  refuseGaps(parts, order)
  const list = openList({ format: format ?? held.format, column })
  for (const part of parts) list.take(await readPart(deps, place, part)) // oxlint-disable-line no-await-in-loop -- one part in memory at a time
  const sealed = await list.seal()
  return await swap(deps, actor, { at, sealed, condition: { ifMatch, comment }, upload: { order, parts } })
}

interface WholeList extends Conditional {
  readonly format: MemberFormat
  readonly column?: string | undefined
  readonly content: Uint8Array<ArrayBuffer>
}

/** Puts a whole list in place of the present one. */
export async function replaceMembers(
  deps: Deps,
  actor: Actor,
  at: MembersPath,
  { format, column, content, ...condition }: WholeList,
) {
  await findMembers(deps, actor, at)
  const list = openList({ format, column })
  list.take(content)
  return await swap(deps, actor, { at, sealed: await list.seal(), condition })
}

interface Swap {
  readonly at: MembersPath
  readonly sealed: SealedList
  readonly condition: Conditional
  readonly upload?: { readonly order: Order; readonly parts: readonly UploadPartRow[] }
}

/** What decides the list that a commit makes. */
type Order = Omit<MembersCommit, 'comment'>

async function swap(deps: Deps, actor: Actor, { at, sealed, condition, upload }: Swap) {
  const { orgId } = actor
  // Before the change, so that the tenant's other writes do not wait for megabytes.
  await deps.db.write(orgId, (tx) => storeBlob(tx, { orgId, now: new Date(deps.nowMs()) }, sealed))
  return await commitChange(deps, actor, async (change) => {
    const opened = await openMembers(change, at, condition)
    const held = upload && (await settle(change, opened.place, upload))
    if (upload && held?.committed) return await answerAgain(change, at, upload.order)
    const { hash, count } = sealed
    await forgetMade(change.tx, opened.place)
    await keepBlob(change.tx, { orgId, hash })
    const answer = await writeMembers(change, opened, {
      action: 'segment.members',
      members: { hash, count, added: [], removed: [] },
      comment: condition.comment,
    })
    if (upload && held) {
      const { parts, format = held.format, column = null } = upload.order
      const { result, etag = '' } = answer
      const made = { parts, format, column, hash, count, versions: result.versions, etag }
      await keepMade(change.tx, opened.place, held.name, made)
    }
    return answer
  })
}

/** Ends the upload, if it still is what was read; gives it as it was. */
async function settle(
  { tx }: Change,
  place: MembersPlace,
  { order: { upload: name }, parts }: Required<Swap>['upload'],
): Promise<UploadRow> {
  const held = found(await lockUpload(tx, place, name), 'upload_not_found')
  if (held.committed) return held
  const now = await selectUploadParts(tx, place, name)
  if (digest(now) !== digest(parts))
    throw changed(`parts of "${name}" were sent while it was committed: commit again`)
  await finishUpload(tx, place, name)
  return held
}

/** The same commit again, perhaps because its answer was lost: what it made. Any other one is told what to do. */
async function answerAgain(change: Change, at: MembersPath, order: Order) {
  const opened = await openMembers(change, at, {})
  const held = found(await lockUpload(change.tx, opened.place, order.upload), 'upload_not_found')
  const { made, name } = held
  const again = 'send its parts again, and commit them'
  if (!held.committed) throw changed(`parts of "${name}" were sent while it was committed: commit again`)
  if (!made) throw changed(`"${name}" was committed, and the list was replaced or emptied since: ${again}`)
  const { parts, format = held.format, column = null } = order
  if (parts !== made.parts || format !== made.format || column !== made.column) {
    const first = `parts: ${made.parts}, ${made.format}${made.column === null ? '' : `, column "${made.column}"`}`
    throw changed(`"${name}" is committed already, with other settings (${first}): to change them, ${again}`)
  }
  const { hash, count, versions, etag } = made
  const { result } = await membersAnswer(change, opened, versions)
  return { result: { ...result, hash, count, added: [], removed: [] }, etag }
}

function refuseGaps(held: readonly UploadPartRow[], { upload, parts: count }: Order): void {
  const last = held.at(-1)?.part ?? 0
  if (last > count)
    throw invalid(
      '/parts',
      `is ${count}, but the upload holds part ${last}: discard it (${discarding(upload)}) and send its parts anew`,
    )
  const missing = missingParts(held, count)
  if (missing.length === 0) return
  const named = missing.slice(0, 20).join(', ') + (missing.length > 20 ? ', …' : '')
  throw new ProblemError('upload_incomplete', { detail: `missing of ${count}: ${named}` })
}

async function readPart(deps: Deps, place: MembersPlace, { upload, part, sha256 }: UploadPartRow) {
  const [[row]] = await deps.db.read(place.orgId, (db) => [selectUploadPart(db, place, upload, part)])
  if (row?.sha256 !== sha256)
    throw changed(`part ${part} of "${upload}" was sent while it was committed: commit again`)
  return row.bytes
}

function digest(parts: readonly UploadPartRow[]): string {
  return parts.map(({ part, sha256 }) => `${part}:${sha256}`).join()
}

function discarding(name: string): string {
  return `DELETE …/members?upload=${name}`
}

function changed(detail: string): ProblemError {
  return new ProblemError('upload_changed', { detail })
}
