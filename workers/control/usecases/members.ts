/** The large list of a segment in one environment, as it is read and as every change of it is written. */
import { limits } from '@halyard/shared/contract/limits.ts'
import type { Members, Upload } from '@halyard/shared/contract/members-endpoints.ts'
import type { SegmentMembers } from '@halyard/shared/contract/segment.ts'
import type { Actor, Deps } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import { blobBytesOf } from '../store/segment-blobs.ts'
import {
  selectUploadParts,
  selectUploads,
  type MembersPlace,
  type UploadPartRow,
  type UploadRow,
} from '../store/segment-uploads.ts'
import { segments } from '../store/segment-schema.ts'
import { selectEnvironments, selectProject } from '../store/select.ts'
import { selectSegmentsWithState, type SegmentWithStateRow } from '../store/select-segments.ts'
import { eq } from 'drizzle-orm'
import type { Answer, Change, EnvironmentRow, Versions } from './change.ts'
import { found } from './find.ts'
import { checkIfMatch, etagOf } from './precondition.ts'
import {
  openSegment,
  refuseArchivedSegment,
  reviseSegment,
  segmentStateAt,
  type OpenSegment,
} from './revise-segment.ts'
import type { SegmentStateRow } from '../store/select-segments.ts'

export interface MembersPath {
  readonly project: string
  readonly environment: string
  readonly key: string
}

export interface Conditional {
  readonly ifMatch?: string | undefined
  readonly comment?: string | undefined
}

/** A segment's list, opened for a change. */
export interface OpenMembers {
  readonly open: OpenSegment
  readonly environment: EnvironmentRow
  readonly state: SegmentStateRow
  readonly place: MembersPlace
}

type MembersAnswer = Answer<Members & { versions: Versions; warnings: never[] }>

/** The list with its uploads, or with the one that is named. */
export async function readMembers(
  deps: Deps,
  actor: Actor,
  { upload, ...at }: MembersPath & { upload?: string | undefined },
): Promise<Answer<Members>> {
  const { row, place } = await findMembers(deps, actor, at)
  const [uploads, parts] = await deps.db.read(actor.orgId, (db) => [
    selectUploads(db, place, upload),
    selectUploadParts(db, place, upload),
  ])
  if (upload !== undefined) found(uploads[0], 'upload_not_found')
  return { result: toMembers(row.state.members, uploads, parts), etag: etagOf(row.stateRevision) }
}

/** The segment with its state in an environment, outside of a change. */
export async function findMembers(
  deps: Deps,
  { orgId }: Actor,
  at: MembersPath,
): Promise<{ row: SegmentWithStateRow; place: MembersPlace }> {
  const [projects, environments, rows] = await deps.db.read(orgId, (db) => [
    selectProject(db, orgId, at.project),
    selectEnvironments(db, orgId, at.project, at.environment),
    selectSegmentsWithState(db, orgId, at, eq(segments.key, at.key)),
  ])
  found(projects[0], 'project_not_found')
  const environment = found(environments[0], 'environment_not_found')
  const row = found(rows[0], 'segment_not_found')
  return { row, place: { orgId, environmentId: environment.id, segmentId: row.id } }
}

/** Opens the list for a change that is allowed, under its precondition. */
export async function openMembers(
  change: Change,
  at: MembersPath,
  { ifMatch }: Conditional,
): Promise<OpenMembers> {
  const open = await openSegment(change, at)
  const { environment, state } = segmentStateAt(open, at.environment)
  checkIfMatch(ifMatch, etagOf(state.stateRevision), toMembers(state.state.members, [], []))
  refuseArchivedSegment(open)
  const { orgId } = change.actor
  return {
    open,
    environment,
    state,
    place: { orgId, environmentId: environment.id, segmentId: open.segment.id },
  }
}

/** Writes the list as one change: a version, and an entry of the audit. Its blob must be stored and kept by then. */
export async function writeMembers(
  change: Change,
  { open, environment, state, place }: OpenMembers,
  {
    action,
    members,
    comment,
  }: { action: string; members: SegmentMembers | null; comment?: string | undefined },
): Promise<MembersAnswer> {
  const revised = await reviseSegment(change, open, {
    action,
    states: new Map([[environment.id, { ...state.state, members }]]),
    comment,
  })
  if (members && (await blobBytesOf(change.tx, place)) > limits.blobBytesPerEnvironment) {
    throw new ProblemError('limit_reached', {
      detail: `the large lists of ${environment.key} would be more than ${limits.blobBytesPerEnvironment} bytes, at 8 bytes an id`,
    })
  }
  return await membersAnswer(change, { open: revised.after, environment, state, place }, revised.versions)
}

/** What a write answers: the list as it is now, and its uploads. */
export async function membersAnswer(
  { tx }: Change,
  { open, environment, place }: OpenMembers,
  versions: Versions,
): Promise<MembersAnswer> {
  const { state } = segmentStateAt(open, environment.id)
  const uploads = await selectUploads(tx, place)
  const parts = await selectUploadParts(tx, place)
  const members = toMembers(state.state.members, uploads, parts)
  return { result: { ...members, versions, warnings: [] }, etag: etagOf(state.stateRevision) }
}

/** The list as the API shows it. */
export function toMembers(
  members: SegmentMembers | null,
  uploads: readonly UploadRow[],
  parts: readonly UploadPartRow[],
): Members {
  const { count, hash, added, removed } = members ?? { count: 0, hash: null, added: [], removed: [] }
  return {
    count,
    hash,
    added,
    removed,
    uploads: uploads.map((upload) =>
      toUpload(
        upload,
        parts.filter((part) => part.upload === upload.name),
      ),
    ),
  }
}

/** The parts below the last that are not held; `last` is the last that is, if it is not said. */
export function missingParts(held: readonly { part: number }[], last = held.at(-1)?.part ?? 0): number[] {
  const numbers = new Set(held.map(({ part }) => part))
  return Array.from({ length: last }, (_, i) => i + 1).filter((part) => !numbers.has(part))
}

function toUpload(
  { name, format, committed, updatedAt }: UploadRow,
  parts: readonly UploadPartRow[],
): Upload {
  return {
    upload: name,
    format,
    parts: parts.map(({ part, size, sha256 }) => ({ part, bytes: size, sha256 })),
    missing: missingParts(parts),
    committed,
    updatedAt: updatedAt.toISOString(),
  }
}
