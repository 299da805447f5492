import { usageError } from '../command-error.ts'
import { carryOut } from '../files/carry-out.ts'
import { differingSegments, promoted, within } from '../files/environments.ts'
import { makePlan } from '../files/plan.ts'
import { chooseEnvironments, readContent, readEnvironments } from '../files/read-content.ts'
import type { WriteOptions } from '../options.ts'
import { clientOf, projectOf } from '../place.ts'
import type { Settings } from '../settings.ts'

export interface PromoteOptions extends WriteOptions {
  readonly flag?: readonly string[]
  readonly segments?: boolean
}

/** `envs promote`: gives flags the state in one environment that they have in another. */
export async function promote(
  pair: readonly [string, string],
  { flag, segments = false, ...write }: PromoteOptions,
  settings: Settings,
): Promise<void> {
  const [from, to] = pair
  if (from === to) throw usageError('an environment cannot be promoted to itself')
  const client = clientOf(settings)
  const project = projectOf(settings)
  const environments = chooseEnvironments(await readEnvironments(client, project), pair)
  const content = await readContent(client, project, pair)
  const wanted = promoted(content, pair, { keys: flag, withSegments: segments })
  const plan = { ...makePlan(within(content, to), wanted, { prune: false, elsewhere: [from] }), left: [] }
  const differing = differingSegments(content, wanted, pair)
  const notes = [
    ...(segments || differing.states.length === 0
      ? []
      : [`segments hold others in ${to}: ${differing.states.join(', ')} (--segments promotes them too)`]),
    ...(differing.lists.length === 0
      ? []
      : [`uploaded lists are not promoted, and differ: ${differing.lists.join(', ')}`]),
  ]
  const reached = environments.filter(({ key }) => key === to)
  await carryOut({ client, project, environments: reached, plan, notes }, write, settings)
}
