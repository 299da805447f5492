import { patchSegment } from '@halyard/shared/checks/segment-rules.ts'
import type {
  SegmentDefinitionPatch,
  SegmentPatch,
  SegmentRestore,
  SegmentStatePatch,
} from '@halyard/shared/contract/segment.ts'
import type { Actor, Deps } from '../ports.ts'
import { commitChange, type Change, type EnvironmentRow } from './change.ts'
import { checkIfMatch, etagOf } from './precondition.ts'
import { refuseRestating, restoredStates, whereRestored } from './restored-states.ts'
import {
  openSegment,
  refuseArchivedSegment,
  reviseSegment,
  segmentStateAt,
  type OpenSegment,
  type RevisedSegment,
} from './revise-segment.ts'
import { refuseTooMany } from './sizes.ts'
import { toSegment, toSegmentInEnvironment, toSegmentState } from './views.ts'

interface SegmentPath {
  readonly project: string
  readonly key: string
}

type StatePath = SegmentPath & { readonly environment: string }

interface Conditional {
  readonly ifMatch?: string | undefined
  readonly comment?: string | undefined
}

/** Changes what a segment is called. */
export async function updateSegment(
  deps: Deps,
  actor: Actor,
  command: SegmentPath & Conditional & { patch: Omit<SegmentDefinitionPatch, 'comment'> },
) {
  return commitChange(deps, actor, async (change) => {
    const open = await openSegment(change, command)
    checkIfMatch(command.ifMatch, etagOf(open.segment.revision), toSegment(open.segment))
    refuseArchivedSegment(open)
    const { comment, patch } = command
    const revision = { action: 'segment.update', segment: given(patch), comment }
    return definitionAnswer(await reviseSegment(change, open, revision))
  })
}

/** Archives a segment that nothing uses. */
export async function archiveSegment(deps: Deps, actor: Actor, command: SegmentPath & Conditional) {
  return commitChange(deps, actor, async (change) => {
    const open = await openSegment(change, command)
    checkIfMatch(command.ifMatch, etagOf(open.segment.revision), toSegment(open.segment))
    return definitionAnswer(await reviseSegment(change, open, archival(change, open, command.comment)))
  })
}

/** Brings an archived segment back in one change. */
export async function restoreSegment(
  deps: Deps,
  actor: Actor,
  command: SegmentPath & Conditional & { patch: Omit<SegmentRestore, 'comment'> },
) {
  return commitChange(deps, actor, async (change) => {
    const open = await openSegment(change, command)
    checkIfMatch(command.ifMatch, etagOf(open.segment.revision), toSegment(open.segment))
    if (open.segment.archivedAt) await refuseTooMany(change.tx, 'segments', open.project, 1)
    else refuseRestating(command.patch)
    const { environments = {}, ...definition } = command.patch
    const revision = {
      action: 'segment.restore',
      segment: { ...given(definition), archivedAt: null },
      states: restoredStates(change, open, { patches: environments, patch: patchSegment }),
      where: whereRestored,
      comment: command.comment,
    }
    return definitionAnswer(await reviseSegment(change, open, revision))
  })
}

/** Changes what belongs to a segment in one environment. */
export async function updateSegmentState(
  deps: Deps,
  actor: Actor,
  command: StatePath & Conditional & { patch: SegmentStatePatch },
) {
  return commitChange(deps, actor, async (change) => {
    const open = await openSegment(change, command)
    const { environment, state } = segmentStateAt(open, command.environment)
    const current = toSegmentState(open.segment.key, environment.key, state)
    checkIfMatch(command.ifMatch, etagOf(state.stateRevision), current)
    refuseArchivedSegment(open)
    const next = patchSegment(state.state, command.patch)
    const revision = {
      action: 'segment.update',
      states: new Map([[environment.id, next]]),
      comment: command.comment,
    }
    return stateAnswer(await reviseSegment(change, open, revision), environment)
  })
}

/** The short form of an update: definition and state in one change. */
export async function updateSegmentIn(
  deps: Deps,
  actor: Actor,
  command: StatePath & Conditional & { patch: SegmentPatch },
) {
  return commitChange(deps, actor, async (change) => {
    const open = await openSegment(change, command)
    const { environment, state } = segmentStateAt(open, command.environment)
    const current = wholeAnswer({ after: open, versions: {}, warnings: [] }, command.environment)
    checkIfMatch(command.ifMatch, current.etag, current.result)
    refuseArchivedSegment(open)
    const { attribute, include, exclude, when, comment, ...definition } = command.patch
    const next = patchSegment(state.state, { attribute, include, exclude, when })
    const revision = {
      action: 'segment.update',
      segment: given(definition),
      states: new Map([[environment.id, next]]),
      comment,
    }
    return wholeAnswer(await reviseSegment(change, open, revision), command.environment)
  })
}

/** The short form of `archiveSegment`. */
export async function archiveSegmentIn(deps: Deps, actor: Actor, command: StatePath & Conditional) {
  return commitChange(deps, actor, async (change) => {
    const open = await openSegment(change, command)
    const current = wholeAnswer({ after: open, versions: {}, warnings: [] }, command.environment)
    checkIfMatch(command.ifMatch, current.etag, current.result)
    const revision = archival(change, open, command.comment)
    return wholeAnswer(await reviseSegment(change, open, revision), command.environment)
  })
}

function archival({ now }: Change, { segment }: OpenSegment, comment: string | undefined) {
  return { action: 'segment.archive', segment: { archivedAt: segment.archivedAt ?? now }, comment }
}

/** The fields that a merge patch names. */
function given<Patch extends object>(
  patch: Patch,
): Partial<{ [Name in keyof Patch]: Exclude<Patch[Name], undefined> }> {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as never // only those left out are gone
}

function definitionAnswer({ after: { segment }, versions, warnings }: RevisedSegment) {
  return { result: { ...toSegment(segment), versions, warnings }, etag: etagOf(segment.revision) }
}

function stateAnswer({ after, versions, warnings }: RevisedSegment, environment: EnvironmentRow) {
  const { state } = segmentStateAt(after, environment.id)
  return {
    result: { ...toSegmentState(after.segment.key, environment.key, state), versions, warnings },
    etag: etagOf(state.stateRevision),
  }
}

function wholeAnswer({ after, versions, warnings }: RevisedSegment, keyOrId: string) {
  const { environment, state } = segmentStateAt(after, keyOrId)
  const view = toSegmentInEnvironment({ ...after.segment, ...state, environment: environment.key })
  return {
    result: { ...view, versions, warnings },
    etag: etagOf(after.segment.revision, state.stateRevision),
  }
}
