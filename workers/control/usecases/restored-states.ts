/** What a request to restore something may say of its states. */
import { pointerOf, type WrongField } from '@halyard/shared/checks/wrong-field.ts'
import { ProblemError } from '../problem.ts'
import type { Change, EnvironmentRow } from './change.ts'
import { namedEnvironment } from './find.ts'
import { refuseErrors } from './flag-rules.ts'

/** The states of the environments that a request names, by environment id. */
export function restoredStates<State, Patch>(
  change: Change,
  open: {
    readonly environments: readonly EnvironmentRow[]
    readonly states: ReadonlyMap<string, { readonly state: State }>
  },
  {
    patches,
    patch,
  }: {
    readonly patches: Readonly<Record<string, Patch>>
    readonly patch: (state: State, patch: Patch) => State
  },
): ReadonlyMap<string, State> {
  const errors: WrongField[] = []
  const states = new Map<string, State>()
  for (const [name, given] of Object.entries(patches)) {
    const environment = namedEnvironment(change, open.environments, name)
    if (typeof environment === 'string')
      errors.push({ pointer: pointerOf(['environments', name]), detail: environment })
    else {
      const row = open.states.get(environment.id)
      if (row) states.set(environment.id, patch(row.state, given))
    }
  }
  refuseErrors(errors)
  return states
}

/** Where such a request holds the state of an environment. */
export function whereRestored({ key }: EnvironmentRow): string {
  return pointerOf(['environments', key])
}

/** What is there already is changed by operations that say so. */
export function refuseRestating(patch: object): void {
  if (Object.values(patch).some((value) => value !== undefined))
    throw new ProblemError('invalid_input', {
      errors: [{ pointer: '', detail: 'it is not archived: change it instead of restoring it' }],
    })
}
