/** What `apply` and `promote` do with a plan that people have seen. */
import type { Environment } from '@halyard/shared/contract/resources.ts'
import type { ApiClient } from '../api-client.ts'
import { CommandError } from '../command-error.ts'
import { confirm } from '../confirm.ts'
import { paint, printJson, printLine, printWarnings, visible } from '../output.ts'
import type { WriteOptions } from '../options.ts'
import type { Project } from '../place.ts'
import { applyPlan, holdToPlan, type Applied } from './apply-plan.ts'
import type { Plan } from './plan.ts'
import { planToJson, printPlan, summarize } from './print-plan.ts'
import { makeWriter } from './writer.ts'

export interface Planned {
  readonly client: ApiClient
  readonly project: Project
  /** All that the plan may reach. */
  readonly environments: readonly Environment[]
  readonly plan: Plan
  readonly notes: readonly string[]
}

/** Shows a plan, asks where it reaches a protected environment, does it, and says what became of it. */
export async function carryOut(
  { client, project, environments, plan, notes }: Planned,
  { yes, comment }: WriteOptions,
  { isJson }: { readonly isJson: boolean },
): Promise<void> {
  if (!isJson) printPlan(plan, notes)
  if (plan.changes.length === 0) {
    if (isJson) printJson({ ...planToJson(plan, notes), applied: true, versions: {}, warnings: [] })
    else printLine('nothing to do')
    return
  }
  const writer = makeWriter(client, project, comment)
  await holdToPlan(writer, plan)
  const asking = protectedIn(plan, environments)
  if (asking.length > 0 && yes !== true)
    await confirm(`make these changes (${summarize(plan)}), also in ${asking.map(visible).join(', ')},`)
  const applied = await applyPlan(writer, plan)
  const { failure, ...result } = applied
  if (isJson) printJson({ ...planToJson(plan, notes), applied: failure === null, ...result })
  else printApplied(applied)
  printWarnings(applied.warnings)
  if (failure) throw withTheRest(failure, applied)
}

/** A definition and an archived thing reach every environment, a state its own. */
function protectedIn({ changes }: Plan, environments: readonly Environment[]): string[] {
  const isEverywhere = changes.some(({ isRedefined, action }) => isRedefined || action !== 'update')
  return environments
    .filter(({ key }) => isEverywhere || changes.some(({ restated }) => restated.includes(key)))
    .flatMap((environment) => (environment.protected ? [environment.key] : []))
}

function printApplied({ done, failure, versions }: Applied): void {
  if (failure === null)
    printLine(paint('green', `done: ${done.length} ${done.length === 1 ? 'write' : 'writes'}`))
  for (const [environment, version] of Object.entries(versions))
    printLine(`${visible(environment)} is at version ${version}`)
}

/** What a person has to know who finds it half done. */
function withTheRest(
  { exitCode, message, lines, code }: CommandError,
  { done, notDone }: Applied,
): CommandError {
  return new CommandError(
    exitCode,
    message,
    [
      ...lines,
      ...done.map((line) => `done: ${line}`),
      ...notDone.map((line) => `not done: ${line}`),
      'run it again: it plans anew, and does what is left',
    ],
    code,
  )
}
