import { and, eq } from 'drizzle-orm'
import type { AppliedSegmentState } from '@halyard/shared/checks/applied-state.ts'
import { segmentReferences } from '@halyard/shared/checks/references.ts'
import { segmentErrors } from '@halyard/shared/checks/segment-rules.ts'
import type { Warning } from '@halyard/shared/contract/written.ts'
import { canonicalJson } from '../canonical-json.ts'
import type { SegmentRecord } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import type { projects } from '../store/schema.ts'
import { segments, segmentStates } from '../store/segment-schema.ts'
import { selectEnvironments } from '../store/select.ts'
import { selectSegmentStates, type SegmentRow, type SegmentStateRow } from '../store/select-segments.ts'
import { versionsOf, type Change, type EnvironmentRow, type Versions } from './change.ts'
import { refuseBrokenReferences, refuseInUse } from './check-references.ts'
import { findProject, findSegment, found } from './find.ts'
import { refuseErrors } from './flag-rules.ts'
import { historyOf, toSegmentRecord } from './records.ts'
import { segmentFacts } from './request-facts.ts'
import { mayGrow, refuseOversize } from './sizes.ts'
import { toSegment } from './views.ts'

/** A segment with all that a change of it may touch. */
export interface OpenSegment {
  readonly project: typeof projects.$inferSelect
  readonly segment: SegmentRow
  readonly environments: readonly EnvironmentRow[]
  /** By environment id. */
  readonly states: ReadonlyMap<string, SegmentStateRow>
}

interface Revision {
  readonly action: string
  readonly segment?: Partial<SegmentRow>
  /** New states by environment id. */
  readonly states?: ReadonlyMap<string, AppliedSegmentState>
  /** Where the request holds the state of an environment; the request is that state if left out. */
  readonly where?: (environment: EnvironmentRow) => string
  readonly comment?: string | undefined
}

export interface RevisedSegment {
  readonly after: OpenSegment
  readonly versions: Versions
  readonly warnings: readonly Warning[]
}

/** Reads a segment of a project for a change. */
export async function openSegment(
  { tx, actor }: Change,
  at: { project: string; key: string },
): Promise<OpenSegment> {
  const project = await findProject(tx, actor.orgId, at.project)
  const segment = await findSegment(tx, actor.orgId, at)
  const environments = await selectEnvironments(tx, actor.orgId, project.id)
  const states = await selectSegmentStates(tx, actor.orgId, segment.id)
  return { project, segment, environments, states: new Map(states.map((row) => [row.environmentId, row])) }
}

/** The environment that a change names, with the segment's state there. */
export function segmentStateAt(
  { environments, states }: OpenSegment,
  keyOrId: string,
): { environment: EnvironmentRow; state: SegmentStateRow } {
  const environment = found(
    environments.find((row) => row.key === keyOrId || row.id === keyOrId),
    'environment_not_found',
  )
  return { environment, state: stateIn(states, environment.id) }
}

/** Archived segments are kept as they are. */
export function refuseArchivedSegment({ segment }: OpenSegment): void {
  if (segment.archivedAt)
    throw new ProblemError('segment_archived', { detail: `restore "${segment.key}" before changing it` })
}

/**
 * Writes a new definition, a new state, or both, as one change: raises exactly the environments whose readers see a
 * difference, and audits what differs. A revision that changes nothing writes nothing.
 */
export async function reviseSegment(
  change: Change,
  before: OpenSegment,
  revision: Revision,
): Promise<RevisedSegment> {
  const after = apply(change, before, revision)
  const own = before.environments.filter(({ id }) => revision.states?.has(id))
  const isRedefined = after.segment !== before.segment
  const restated = own.filter(({ id }) => after.states.get(id) !== before.states.get(id))
  // A state concerns its own environment, a definition all of them.
  const concerned = isRedefined || own.length === 0 ? before.environments : own
  if (!isRedefined && restated.length === 0) return { after, versions: versionsOf(concerned), warnings: [] }

  const warnings = restated.flatMap((row) =>
    checkState(before, after, { row, where: revision.where?.(row) ?? '' }),
  )
  if (isRedefined) await writeDefinition(change, after.segment)
  for (const { id } of restated) await writeState(change, stateIn(after.states, id)) // oxlint-disable-line no-await-in-loop -- one connection
  await checkReferences(change, { before, after, revision })
  const raised = before.environments.filter(({ id }) => !isEqual(recordIn(before, id), recordIn(after, id)))
  const grown = raised.filter(({ id }) => mayGrow(recordIn(before, id), recordIn(after, id)))
  await refuseOversize(change.tx, change.actor.orgId, grown)
  const raisedVersions = await change.raise(raised, ({ id }) => [
    historyOf('segment', after.segment.id, recordIn(after, id)),
  ])
  const versions = { ...versionsOf(concerned), ...raisedVersions }
  await audit(change, { before, after, revision, restated, versions })
  return { after, versions, warnings }
}

/** A tree that stays as it is was checked when it came. */
function checkState(
  before: OpenSegment,
  after: OpenSegment,
  { row: { id }, where }: { readonly row: EnvironmentRow; readonly where: string },
): Warning[] {
  const [{ state: old }, { state }] = [stateIn(before.states, id), stateIn(after.states, id)]
  if (!isEqual({ when: old.when }, { when: state.when })) refuseErrors(segmentErrors(state, where))
  return segmentFacts(old, state).map((warning) => ({ ...warning, pointer: `${where}${warning.pointer}` }))
}

function apply(
  { now }: Change,
  before: OpenSegment,
  { segment: patch, states: given = new Map() }: Revision,
): OpenSegment {
  const patched = { ...before.segment, ...patch }
  const segment = isEqual(patched, before.segment)
    ? before.segment
    : { ...patched, revision: patched.revision + 1, updatedAt: now }
  const states = new Map(before.states)
  for (const [id, state] of given) {
    const row = stateIn(before.states, id)
    if (!isEqual(state, row.state))
      states.set(id, { ...row, state, stateRevision: row.stateRevision + 1, stateUpdatedAt: now })
  }
  return { ...before, segment, states }
}

async function writeDefinition({ tx, actor }: Change, row: SegmentRow) {
  await tx
    .update(segments)
    .set(row)
    .where(and(eq(segments.orgId, actor.orgId), eq(segments.id, row.id)))
}

async function writeState(
  { tx, actor }: Change,
  { segmentId, environmentId, state, stateRevision, stateUpdatedAt }: SegmentStateRow,
) {
  await tx
    .update(segmentStates)
    .set({ state, revision: stateRevision, updatedAt: stateUpdatedAt })
    .where(
      and(
        eq(segmentStates.orgId, actor.orgId),
        eq(segmentStates.segmentId, segmentId),
        eq(segmentStates.environmentId, environmentId),
      ),
    )
}

/** Only what refers, or is referred to, can break. */
async function checkReferences(
  change: Change,
  { before, after, revision }: Pick<Revised, 'before' | 'after' | 'revision'>,
) {
  const { project, segment, environments } = after
  const target = { kind: 'segment', key: segment.key } as const
  const at = { projectId: project.id, environments }
  const wasArchived = before.segment.archivedAt !== null
  if (segment.archivedAt && !wasArchived) await refuseInUse(change, { ...at, target })
  if (segment.archivedAt) return
  const concerned = environments.filter(
    ({ id }) =>
      wasArchived ||
      (revision.states?.has(id) === true && !isEqual(referencesIn(before, id), referencesIn(after, id))),
  )
  await refuseBrokenReferences(change, {
    ...at,
    environments: concerned,
    changed: [target],
    own: ({ code = 'invalid_value', pointer, detail }, environment) =>
      revision.states?.has(environment.id) === true
        ? { code, pointer: `${revision.where?.(environment) ?? ''}${pointer}`, detail }
        : { code, pointer: '', detail: `${environment.key} has at ${pointer}: ${detail}` },
    lost: '',
  })
}

function referencesIn({ states }: OpenSegment, environmentId: string) {
  return segmentReferences(stateIn(states, environmentId).state)
}

interface Revised {
  readonly before: OpenSegment
  readonly after: OpenSegment
  readonly revision: Revision
  readonly restated: readonly EnvironmentRow[]
  readonly versions: Versions
}

async function audit(change: Change, { before, after, revision, restated, versions }: Revised) {
  const isRedefined = after.segment !== before.segment
  const [only] = revision.where ? [] : restated
  const shown = ({ segment, states }: OpenSegment) => ({
    ...(isRedefined && toSegment(segment)),
    ...(only && { state: stateIn(states, only.id).state }),
    ...(!only &&
      restated.length > 0 && {
        states: Object.fromEntries(restated.map(({ id, key }) => [key, stateIn(states, id).state])),
      }),
  })
  await change.audit({
    action: revision.action,
    resource: `segment/${before.segment.key}`,
    project: before.project.key,
    ...(only && { environment: only.key }),
    versions,
    before: shown(before),
    after: shown(after),
    comment: revision.comment,
  })
}

function recordIn({ segment, states }: OpenSegment, environmentId: string): SegmentRecord {
  return toSegmentRecord(segment, stateIn(states, environmentId).state)
}

function stateIn(states: ReadonlyMap<string, SegmentStateRow>, environmentId: string): SegmentStateRow {
  const state = states.get(environmentId)
  if (!state) throw new Error('every segment has a state in every environment')
  return state
}

function isEqual(a: object, b: object): boolean {
  return canonicalJson(a as never) === canonicalJson(b as never) // rows and records serialise as JSON
}
