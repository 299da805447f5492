import { and, eq, sql } from 'drizzle-orm'
import type { AppliedSegmentState } from '@halyard/shared/checks/applied-state.ts'
import { segmentReferences } from '@halyard/shared/checks/references.ts'
import { emptySegment, patchSegment, segmentErrors } from '@halyard/shared/checks/segment-rules.ts'
import { pointerOf, type WrongField } from '@halyard/shared/checks/wrong-field.ts'
import type { SegmentCreate } from '@halyard/shared/contract/segment.ts'
import type { Warning } from '@halyard/shared/contract/written.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import type { Actor, Deps } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import { segments, segmentStates } from '../store/segment-schema.ts'
import { selectEnvironments } from '../store/select.ts'
import type { SegmentRow } from '../store/select-segments.ts'
import { commitChange, type Change, type EnvironmentRow } from './change.ts'
import { refuseBrokenReferences } from './check-references.ts'
import { findProject, namedEnvironment } from './find.ts'
import { refuseErrors } from './flag-rules.ts'
import { etagOf } from './precondition.ts'
import { historyOf, toSegmentRecord } from './records.ts'
import { segmentFacts } from './request-facts.ts'
import { refuseOversize, refuseTooMany } from './sizes.ts'
import { toSegment, toSegmentInEnvironment } from './views.ts'

/** Creates a segment in every environment of a project. */
export async function createSegment(deps: Deps, actor: Actor, project: string, wanted: SegmentCreate) {
  return commitChange(deps, actor, async (change) => {
    const { row, versions, warnings } = await insertSegment(change, project, wanted)
    return { result: { ...toSegment(row), versions, warnings }, etag: etagOf(row.revision) }
  })
}

/** The short form: creates a segment and shows it with its state in one environment. */
export async function createSegmentIn(
  deps: Deps,
  actor: Actor,
  at: { project: string; environment: string },
  wanted: SegmentCreate,
) {
  return commitChange(deps, actor, async (change) => {
    const { row, states, environments, versions, warnings } = await insertSegment(change, at.project, wanted)
    const environment = environments.find(({ key }) => key === at.environment)
    if (!environment) throw new Error('the environment of the token belongs to its project')
    const view = {
      ...row,
      environmentId: environment.id,
      segmentId: row.id,
      state: states.get(environment.id) ?? emptySegment,
      stateRevision: 1,
      stateUpdatedAt: change.now,
      environment: environment.key,
    }
    return {
      result: { ...toSegmentInEnvironment(view), versions, warnings },
      etag: etagOf(row.revision, 1),
    }
  })
}

async function insertSegment(change: Change, projectKey: string, wanted: SegmentCreate) {
  const { tx, actor, now } = change
  const { orgId } = actor
  const project = await findProject(tx, orgId, projectKey)
  const environments = await selectEnvironments(tx, orgId, project.id)
  const row = newRow(change, project.id, wanted)
  await refuseTaken(change, row)
  await refuseTooMany(tx, 'segments', project, 1)
  const states = statesOf(change, environments, wanted)
  await tx.insert(segments).values(row)
  const stateRows = [...states].map(([environmentId, state]) => ({
    orgId,
    environmentId,
    segmentId: row.id,
    state,
    updatedAt: now,
  }))
  if (stateRows.length > 0) await tx.insert(segmentStates).values(stateRows)
  await checkReferences(change, { row, states, environments })
  await refuseOversize(tx, orgId, environments)
  const versions = await change.raise(environments, ({ id }) => [
    historyOf('segment', row.id, toSegmentRecord(row, states.get(id) ?? emptySegment)),
  ])
  await change.audit({
    action: 'segment.create',
    resource: `segment/${row.key}`,
    project: project.key,
    versions,
    before: null,
    after: {
      ...toSegment(row),
      states: Object.fromEntries(environments.map(({ id, key }) => [key, states.get(id)])),
    },
    comment: wanted.comment,
  })
  return { row, states, environments, versions, warnings: warningsOf({ row, states, environments }) }
}

function newRow({ actor, now }: Change, projectId: string, wanted: SegmentCreate): SegmentRow {
  return {
    orgId: actor.orgId,
    id: makeId('seg', now.getTime()),
    projectId,
    key: wanted.key,
    name: wanted.name ?? wanted.key,
    description: wanted.description ?? '',
    tags: wanted.tags ?? [],
    revision: 1,
    archivedAt: null,
    createdAt: now,
    updatedAt: now,
  }
}

async function refuseTaken({ tx }: Change, { orgId, projectId, key }: SegmentRow) {
  const [taken] = await tx
    .select({ key: segments.key })
    .from(segments)
    .where(
      and(
        eq(segments.orgId, orgId),
        eq(segments.projectId, projectId),
        eq(sql`lower(${segments.key})`, key.toLowerCase()),
      ),
    )
  if (taken) {
    throw new ProblemError('segment_exists', {
      detail: `exists already, perhaps archived or written in another case: "${taken.key}"`,
    })
  }
}

function statesOf(
  change: Change,
  environments: readonly EnvironmentRow[],
  { environments: patches = {} }: SegmentCreate,
): ReadonlyMap<string, AppliedSegmentState> {
  const errors: WrongField[] = []
  const states = new Map(environments.map(({ id }) => [id, emptySegment]))
  for (const [name, patch] of Object.entries(patches)) {
    const where = pointerOf(['environments', name])
    const environment = namedEnvironment(change, environments, name)
    if (typeof environment === 'string') errors.push({ pointer: where, detail: environment })
    else {
      const state = patchSegment(emptySegment, patch)
      errors.push(...segmentErrors(state, where))
      states.set(environment.id, state)
    }
  }
  refuseErrors(errors)
  return states
}

interface Made {
  readonly row: SegmentRow
  readonly states: ReadonlyMap<string, AppliedSegmentState>
  readonly environments: readonly EnvironmentRow[]
}

function warningsOf({ states, environments }: Made): Warning[] {
  return environments.flatMap(({ id, key }) => {
    const where = pointerOf(['environments', key])
    const warnings = segmentFacts(emptySegment, states.get(id) ?? emptySegment)
    return warnings.map((warning) => ({ ...warning, pointer: `${where}${warning.pointer}` }))
  })
}

async function checkReferences(change: Change, { row, states, environments }: Made) {
  await refuseBrokenReferences(change, {
    projectId: row.projectId,
    environments: environments.filter(
      ({ id }) => segmentReferences(states.get(id) ?? emptySegment).length > 0,
    ),
    changed: [{ kind: 'segment', key: row.key }],
    own: ({ code = 'invalid_value', pointer, detail }, { key }) => ({
      code,
      pointer: `${pointerOf(['environments', key])}${pointer}`,
      detail,
    }),
    lost: '',
  })
}
