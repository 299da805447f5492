import { limits } from '@halyard/shared/contract/limits.ts'
import type { ApiClient } from './api-client.ts'
import { CommandError, exitCodes } from './command-error.ts'
import type { Place, Project } from './place.ts'

/** Asks before something is done to a protected environment; refuses where nobody can be asked. */
export async function confirm(deed: string): Promise<void> {
  const { askYes, canAsk } = await import('./prompt.ts') // few are asked
  if (!canAsk())
    throw new CommandError(exitCodes.refused, `the environment is protected: ${deed} needs --yes`)
  if (!(await askYes(`The environment is protected. Really ${deed}?`)))
    throw new CommandError(exitCodes.refused, 'nothing was changed')
}

/** Before a write to one environment. The deed is the rest of "Really …?", without the environment. */
export async function confirmIn(
  client: ApiClient,
  { org, project, environment }: Place,
  { deed, yes }: { deed: string; yes: boolean | undefined },
): Promise<void> {
  if (yes === true) return
  const found = await client.call('getEnvironment', { params: { org, project, environment } })
  if (found.protected) await confirm(`${deed} in ${found.key}`)
}

/** Before a write that reaches the readers of every environment of a project. */
export async function confirmEverywhere(
  client: ApiClient,
  { org, project }: Project,
  { deed, yes }: { deed: string; yes: boolean | undefined },
): Promise<void> {
  if (yes === true) return
  const query = { limit: limits.pageSize }
  const { items } = await client.call('listEnvironments', { params: { org, project }, query })
  const names = items.filter((one) => one.protected && !one.archived).map(({ key }) => key)
  if (names.length > 0) await confirm(`${deed} everywhere, also in ${names.join(', ')},`)
}
