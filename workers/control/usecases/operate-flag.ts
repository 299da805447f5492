/** Whole operations on a flag's state. They need no If-Match, because they say all they mean, but heed one. */
import type { AppliedFlagState } from '@halyard/shared/checks/applied-state.ts'
import type { OverrideOrder, Rollout } from '@halyard/shared/contract/operations.ts'
import type { Actor, Deps } from '../ports.ts'
import { stateAnswer, wholeAnswer } from './change-flag.ts'
import { commitChange, type Change } from './change.ts'
import { override } from './override.ts'
import { checkIfMatch, etagOf } from './precondition.ts'
import { openFlag, refuseArchived, reviseFlag, stateAt, type OpenFlag } from './revise-flag.ts'
import { rollOut } from './rollout.ts'
import { toFlagState } from './views.ts'

/** What an operation makes of a state. */
export interface Deed {
  readonly action: string
  readonly comment: string | undefined
  readonly next: (state: AppliedFlagState, flag: OpenFlag['flag'], nowMs: number) => AppliedFlagState
}

interface Command {
  readonly project: string
  readonly environment: string
  readonly key: string
  readonly ifMatch?: string | undefined
  readonly deed: Deed
}

export function rolloutDeed(order: Rollout): Deed {
  return {
    action: 'flag.rollout',
    comment: order.comment,
    next: (state, { variants }, nowMs) => rollOut(state, order, { variants, nowMs }),
  }
}

export function overrideDeed(order: OverrideOrder): Deed {
  return {
    action: 'flag.override',
    comment: order.comment,
    next: (state, { variants }) => override(state, order, variants),
  }
}

/** Answers the state in the environment. */
export async function operateOnFlag(deps: Deps, actor: Actor, command: Command) {
  return commitChange(deps, actor, async (change) => {
    const open = await openFlag(change, command)
    const { environment, state } = stateAt(open, command.environment)
    const current = toFlagState(open.flag.key, environment.key, state)
    checkIfMatch(command.ifMatch, etagOf(state.stateRevision), current)
    return stateAnswer(await operate(change, open, command), environment)
  })
}

/** The short form: answers the whole flag. */
export async function operateOnFlagIn(deps: Deps, actor: Actor, command: Command) {
  return commitChange(deps, actor, async (change) => {
    const open = await openFlag(change, command)
    const current = wholeAnswer({ after: open, versions: {}, warnings: [] }, command.environment)
    checkIfMatch(command.ifMatch, current.etag, current.result)
    return wholeAnswer(await operate(change, open, command), command.environment)
  })
}

async function operate(change: Change, open: OpenFlag, { environment, deed }: Command) {
  refuseArchived(open)
  const { state, environmentId } = stateAt(open, environment).state
  const next = deed.next(state, open.flag, change.now.getTime())
  return reviseFlag(change, open, {
    action: deed.action,
    states: new Map([[environmentId, next]]),
    comment: deed.comment,
  })
}
