/** Does what a plan says, step by step. */
import type { Warning } from '@halyard/shared/contract/written.ts'
import { CommandError, exitCodes } from '../command-error.ts'
import { printWarning } from '../output.ts'
import { makeProgress } from '../progress.ts'
import {
  flagFields,
  isSame,
  isSameFlagDefinition,
  isSameSegmentState,
  layerFields,
  pick,
  segmentFields,
} from './content.ts'
import type { Change, Plan } from './plan.ts'
import { flagStateOf, segmentStateOf } from './read-content.ts'
import { describeStep, runStep } from './run-step.ts'
import { toSteps, type Step } from './steps.ts'
import { nameOfTarget, observe, type Target, type Writer } from './writer.ts'

export interface Applied {
  readonly done: readonly string[]
  /** Empty, unless a step failed. */
  readonly notDone: readonly string[]
  /** The last version that was made, by environment. */
  readonly versions: Readonly<Record<string, string>>
  readonly warnings: readonly Warning[]
  readonly failure: CommandError | null
}

const readsAtOnce = 8

/**
 * Looks again at everything that a plan changes, and remembers its entity tags. A CommandError says what is no longer
 * as the plan has it: a write after this is refused by the server in the same case.
 */
export async function holdToPlan(writer: Writer, { changes }: Plan): Promise<void> {
  const targets = changes.flatMap((change) => targetsOf(change).map((target) => ({ change, target })))
  const progress = makeProgress(`checking ${targets.length} parts`, targets.length)
  const queue = targets.values()
  let stale: Target | null = null
  const work = async () => {
    for (const { change, target } of queue) {
      // Each worker takes one after another.
      // oxlint-disable-next-line no-await-in-loop
      if (!(await isAsPlanned(writer, change, target))) stale = target
      if (stale) return
      progress.advance(1)
    }
  }
  await Promise.all(Array.from({ length: readsAtOnce }, work)).finally(progress.end)
  if (stale) throw changedMeanwhile(stale)
}

/** Runs the steps until one fails, or until Ctrl-C. What was done stays: the next plan has the rest. */
export async function applyPlan(writer: Writer, plan: Plan): Promise<Applied> {
  const steps = toSteps(plan)
  const progress = makeProgress(`applying ${steps.length} changes`, steps.length)
  let failure: CommandError | null = null
  let done = 0
  const interrupt = heedInterrupt()
  for (const step of steps) {
    if (interrupt.isAsked()) {
      failure = new CommandError(exitCodes.interrupted, 'interrupted')
      break
    }
    try {
      await runStep(writer, step) // oxlint-disable-line no-await-in-loop -- in their order
      done += 1
      progress.advance(1)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      failure = told(step, error)
      break
    }
  }
  interrupt.ignore()
  progress.end()
  const lines = steps.map(describeStep)
  const { versions, warnings } = writer
  const notDone = lines.slice(done)
  return { done: lines.slice(0, done), notDone, versions: Object.fromEntries(versions), warnings, failure }
}

/** The first Ctrl-C lets the running step end, whose outcome nobody would know; a second one ends the process. */
function heedInterrupt() {
  let isAsked = false
  const ask = () => {
    isAsked = true
    printWarning('stopping after the step that runs; once more to stop at once')
  }
  process.once('SIGINT', ask)
  return { isAsked: () => isAsked, ignore: () => void process.off('SIGINT', ask) }
}

/** What a change writes to that is there already. */
function targetsOf({ kind, key, before, action, isRedefined, restated }: Change): Target[] {
  if (before === null) return []
  const isDefinitionWritten = isRedefined || action !== 'update'
  return [
    ...(isDefinitionWritten ? [{ kind, key }] : []),
    ...restated.map((environment) => ({ kind, key, environment })),
  ]
}

async function isAsPlanned(writer: Writer, change: Change, target: Target): Promise<boolean> {
  const { environment } = target
  if (environment !== undefined) return await isStateAsPlanned(writer, change, { ...target, environment })
  const params = { ...writer.project, key: change.key }
  switch (change.kind) {
    case 'flag': {
      const now = await observe(writer, target, { operation: 'getFlag', input: { params } })
      const { before } = change
      const isSameNow = before !== null && isSameFlagDefinition(pick(now, flagFields), before.definition)
      return isSameNow && now.archived === before.archived
    }
    case 'segment': {
      const now = await observe(writer, target, { operation: 'getSegment', input: { params } })
      return isSame({ ...pick(now, segmentFields), archived: now.archived }, flat(change.before))
    }
    case 'layer': {
      const now = await observe(writer, target, { operation: 'getLayer', input: { params } })
      return isSame({ ...pick(now, layerFields), archived: now.archived }, flat(change.before))
    }
  }
  return change satisfies never
}

function flat(before: { readonly definition: object; readonly archived: boolean } | null) {
  return before && { ...before.definition, archived: before.archived }
}

async function isStateAsPlanned(
  writer: Writer,
  { kind, key, before }: Change,
  target: Target & { readonly environment: string },
): Promise<boolean> {
  const { environment } = target
  const params = { ...writer.project, key, environment }
  if (kind === 'flag') {
    const now = await observe(writer, target, { operation: 'getFlagState', input: { params } })
    return isSame(flagStateOf(now), before?.states.get(environment))
  }
  const now = await observe(writer, target, { operation: 'getSegmentState', input: { params } })
  const state = kind === 'segment' && before?.states.get(environment)
  return state ? isSameSegmentState(segmentStateOf(now), state) : false
}

function changedMeanwhile(target: Target): CommandError {
  const lines = ['nothing was written; run it again: it plans anew']
  return new CommandError(
    exitCodes.failed,
    `${nameOfTarget(target)} was changed while this was planned`,
    lines,
  )
}

function told(step: Step, { exitCode, message, lines, code }: CommandError): CommandError {
  const what = describeStep(step)
  if (code === 'precondition_failed')
    return new CommandError(exitCode, `somebody changed it in between: could not ${what}`, [], code)
  return new CommandError(exitCode, `could not ${what}: ${message}`, lines, code)
}
