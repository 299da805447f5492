import { formatVersion } from '@halyard/shared/protocol/version.ts'
import { CommandError, exitCodes, usageError } from '../cli/command-error.ts'
import { raiseEnvironment, type SystemChange } from '../workers/control/usecases/system-change.ts'
import { isUpToDate, listEnvironments, type OperatedEnvironment } from './list-environments.ts'
import type { Operator } from './operator.ts'

export interface EpochOptions {
  readonly comment: string
  readonly environment?: string
  readonly all?: boolean
}

export interface RepublishOptions extends EpochOptions {
  readonly kid?: string
}

export interface Raised {
  readonly place: string
  readonly environmentId: string
  readonly from: string
  readonly to: string
}

/** Told of each environment as soon as it is raised: whatever comes after does not undo it. */
export type Tell = (raised: Raised) => void

/** Raises the epoch of the environments that are named: after a database was restored, the hub takes them again. */
export async function raiseEpochs(operator: Operator, options: EpochOptions, tell: Tell): Promise<void> {
  const { comment, environment, all = false } = options
  if (all === (environment !== undefined)) throw usageError('say which: --environment ENV_ID or --all')
  const change = { action: 'environment.epoch', comment } as const
  await raiseAll(operator, await choose(operator, environment), { change, tell })
}

/** Publishes again, under the next version, what another compiler or another key published last. */
export async function republish(operator: Operator, options: RepublishOptions, tell: Tell): Promise<void> {
  const { comment, environment, all = false, kid } = options
  const chosen = await choose(operator, environment)
  const behind = chosen.filter((one) => all || !isUpToDate(one, kid))
  const refused = behind.filter((one) => one.isEpochRequired)
  if (refused.length > 0)
    throw new CommandError(exitCodes.refused, 'nothing was raised: some must have their epoch raised first', [
      ...refused.map(({ place, environmentId }) => `${place} (${environmentId})`),
      'halyard admin epoch --environment ENV_ID --comment …',
    ])
  await raiseAll(operator, behind, { change: { action: 'environment.republish', comment }, tell })
}

async function choose({ db }: Operator, id: string | undefined): Promise<readonly OperatedEnvironment[]> {
  const all = await listEnvironments(db)
  const chosen = all.filter(({ environmentId }) => id === undefined || id === environmentId)
  if (id !== undefined && chosen.length === 0)
    throw usageError(`there is no environment ${id}`, 'halyard admin status lists them with their ids')
  return chosen
}

async function raiseAll(
  operator: Operator,
  chosen: readonly OperatedEnvironment[],
  { change, tell }: { readonly change: SystemChange; readonly tell: Tell },
): Promise<void> {
  for (const { place, version, ...scope } of chosen) {
    const at = await raiseEnvironment(operator, scope, change) // oxlint-disable-line no-await-in-loop -- a tenant's writes have one order
    const { environmentId } = scope
    if (at) tell({ place, environmentId, from: version, to: formatVersion(at) })
  }
}
