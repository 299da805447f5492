import { CommandError, exitCodes } from '../command-error.ts'
import { carryOut } from '../files/carry-out.ts'
import { prepareFile } from '../files/prepare.ts'
import { planToJson, printPlan, summarize } from '../files/print-plan.ts'
import type { WriteOptions } from '../options.ts'
import { printJson, printLine } from '../output.ts'
import type { Settings } from '../settings.ts'

export interface PlanOptions {
  readonly prune?: boolean
  readonly detailedExitcode?: boolean
}

export type ApplyOptions = WriteOptions & Pick<PlanOptions, 'prune'>

/** `plan`: what `apply` of a file would do. Writes nothing. */
export async function planFile(file: string, options: PlanOptions, settings: Settings): Promise<void> {
  const { prune = false, detailedExitcode = false } = options
  const { plan, notes } = await prepareFile(file, { prune }, settings)
  const isPending = plan.changes.length > 0
  if (settings.isJson) printJson(planToJson(plan, notes))
  else {
    printPlan(plan, notes)
    printLine(isPending ? `${summarize(plan)}; do it with \`halyard apply\`` : 'nothing to do')
  }
  if (detailedExitcode && isPending) throw new CommandError(exitCodes.pending, 'there are changes to apply')
}

/** `apply`: makes a project what a file says. */
export async function applyFile(file: string, options: ApplyOptions, settings: Settings): Promise<void> {
  const { prune = false, ...write } = options
  await carryOut(await prepareFile(file, { prune }, settings), write, settings)
}
