import type { FlagPatch, FlagRestore, FlagStatePatch } from '@halyard/shared/contract/flag.ts'
import type { Actor, Deps } from '../ports.ts'
import type { StateRow } from '../store/select.ts'
import { commitChange, type EnvironmentRow } from './change.ts'
import { definitionOf, patchState, type DefinitionPatch } from './flag-rules.ts'
import { checkIfMatch, etagOf } from './precondition.ts'
import {
  openFlag,
  refuseArchived,
  reviseFlag,
  stateAt,
  type OpenFlag,
  type RevisedFlag,
} from './revise-flag.ts'
import { refuseRestating, restoredStates, whereRestored } from './restored-states.ts'
import { refuseTooMany } from './sizes.ts'
import { toFlag, toFlagInEnvironment, toFlagState } from './views.ts'

interface FlagPath {
  readonly project: string
  readonly key: string
}

type StatePath = FlagPath & { readonly environment: string }
interface Conditional {
  readonly ifMatch?: string | undefined
  readonly comment?: string | undefined
}

/** Changes what a flag is, in every environment. */
export async function updateFlag(
  deps: Deps,
  actor: Actor,
  command: FlagPath & Conditional & { patch: DefinitionPatch },
) {
  return commitChange(deps, actor, async (change) => {
    const open = await openFlag(change, command)
    checkIfMatch(command.ifMatch, etagOf(open.flag.revision), toFlag(open.flag))
    refuseArchived(open)
    return definitionAnswer(
      await reviseFlag(change, open, {
        action: 'flag.update',
        flag: definitionOf(command.patch),
        comment: command.comment,
      }),
    )
  })
}

/** Archives a flag: readers no longer find it, while its key, seed and state stay. */
export async function archiveFlag(deps: Deps, actor: Actor, command: FlagPath & Conditional) {
  return commitChange(deps, actor, async (change) => {
    const open = await openFlag(change, command)
    checkIfMatch(command.ifMatch, etagOf(open.flag.revision), toFlag(open.flag))
    return definitionAnswer(await reviseFlag(change, open, archival(open, change.now, command.comment)))
  })
}

/** Brings an archived flag back in one change, so that nobody meets it as it was before it is what it is to be. */
export async function restoreFlag(
  deps: Deps,
  actor: Actor,
  command: FlagPath & Conditional & { patch: Omit<FlagRestore, 'comment'> },
) {
  return commitChange(deps, actor, async (change) => {
    const open = await openFlag(change, command)
    checkIfMatch(command.ifMatch, etagOf(open.flag.revision), toFlag(open.flag))
    if (open.flag.archivedAt) await refuseTooMany(change.tx, 'flags', open.project, 1)
    else refuseRestating(command.patch)
    const { environments = {}, ...definition } = command.patch
    const revision = {
      action: 'flag.restore',
      flag: { ...definitionOf(definition), archivedAt: null },
      states: restoredStates(change, open, { patches: environments, patch: patchState }),
      where: whereRestored,
      comment: command.comment,
    }
    return definitionAnswer(await reviseFlag(change, open, revision))
  })
}

/** Changes the state of a flag in one environment. */
export async function updateFlagState(
  deps: Deps,
  actor: Actor,
  command: StatePath & Conditional & { patch: FlagStatePatch },
) {
  return commitChange(deps, actor, async (change) => {
    const open = await openFlag(change, command)
    const { environment, state } = stateAt(open, command.environment)
    checkIfMatch(
      command.ifMatch,
      etagOf(state.stateRevision),
      toFlagState(open.flag.key, environment.key, state),
    )
    refuseArchived(open)
    const next = patchState(state.state, command.patch)
    const revision = {
      action: 'flag.update',
      states: new Map([[environment.id, next]]),
      comment: command.comment,
    }
    return stateAnswer(await reviseFlag(change, open, revision), environment)
  })
}

type Toggle = StatePath & Conditional & { readonly enabled?: boolean | undefined }

/** Switches a flag on or off: to what is asked, or to the opposite. Needs no If-Match, because it says all it means, but heeds one. */
export async function toggleFlag(deps: Deps, actor: Actor, command: Toggle) {
  return commitChange(deps, actor, async (change) => {
    const open = await openFlag(change, command)
    const { environment, state } = stateAt(open, command.environment)
    checkIfMatch(
      command.ifMatch,
      etagOf(state.stateRevision),
      toFlagState(open.flag.key, environment.key, state),
    )
    return stateAnswer(await reviseFlag(change, open, toggling(open, command, state)), environment)
  })
}

/** The short form of `toggleFlag`: answers the whole flag. */
export async function toggleFlagIn(deps: Deps, actor: Actor, command: Toggle) {
  return commitChange(deps, actor, async (change) => {
    const open = await openFlag(change, command)
    const { state } = stateAt(open, command.environment)
    const current = wholeAnswer({ after: open, versions: {}, warnings: [] }, command.environment)
    checkIfMatch(command.ifMatch, current.etag, current.result)
    return wholeAnswer(await reviseFlag(change, open, toggling(open, command, state)), command.environment)
  })
}

/** The short form of an update: definition and state in one change. */
export async function updateFlagIn(
  deps: Deps,
  actor: Actor,
  command: StatePath & Conditional & { patch: FlagPatch },
) {
  return commitChange(deps, actor, async (change) => {
    const open = await openFlag(change, command)
    const { environment, state } = stateAt(open, command.environment)
    const current = wholeAnswer({ after: open, versions: {}, warnings: [] }, command.environment)
    checkIfMatch(command.ifMatch, current.etag, current.result)
    refuseArchived(open)
    const { enabled, offVariant, prerequisites, overrides, rules, fallthrough, comment, ...definition } =
      command.patch
    const restated = { enabled, offVariant, prerequisites, overrides, rules, fallthrough }
    const next = patchState(state.state, restated)
    const revision = {
      action: 'flag.update',
      flag: definitionOf(definition),
      states: new Map([[environment.id, next]]),
      comment,
    }
    return wholeAnswer(await reviseFlag(change, open, revision), command.environment)
  })
}

/** The short form of `archiveFlag`. */
export async function archiveFlagIn(deps: Deps, actor: Actor, command: StatePath & Conditional) {
  return commitChange(deps, actor, async (change) => {
    const open = await openFlag(change, command)
    const current = wholeAnswer({ after: open, versions: {}, warnings: [] }, command.environment)
    checkIfMatch(command.ifMatch, current.etag, current.result)
    return wholeAnswer(
      await reviseFlag(change, open, archival(open, change.now, command.comment)),
      command.environment,
    )
  })
}

function toggling(open: OpenFlag, command: Toggle, state: StateRow) {
  refuseArchived(open)
  const next = { ...state.state, enabled: command.enabled ?? !state.state.enabled }
  return {
    action: 'flag.toggle',
    states: new Map([[state.environmentId, next]]),
    comment: command.comment,
  }
}

function archival({ flag }: OpenFlag, now: Date, comment: string | undefined) {
  return { action: 'flag.archive', flag: { archivedAt: flag.archivedAt ?? now }, comment }
}

function definitionAnswer({ after: { flag }, versions, warnings }: RevisedFlag) {
  return { result: { ...toFlag(flag), versions, warnings }, etag: etagOf(flag.revision) }
}

/** The state in one environment. */
export function stateAnswer({ after, versions, warnings }: RevisedFlag, environment: EnvironmentRow) {
  const { state } = stateAt(after, environment.id)
  return {
    result: { ...toFlagState(after.flag.key, environment.key, state), versions, warnings },
    etag: etagOf(state.stateRevision),
  }
}

/** Definition and state in one. */
export function wholeAnswer({ after, versions, warnings }: RevisedFlag, keyOrId: string) {
  const { environment, state } = stateAt(after, keyOrId)
  const view = toFlagInEnvironment({ ...after.flag, ...state, environment: environment.key })
  return { result: { ...view, versions, warnings }, etag: etagOf(after.flag.revision, state.stateRevision) }
}
