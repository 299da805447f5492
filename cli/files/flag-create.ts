import type { FlagCreate } from '@halyard/shared/contract/flag.ts'
import type { FlagChange } from './plan.ts'

/** A new flag with its seed and its states. */
export function toFlagCreate({ key, after: { definition, seed, states } }: FlagChange): FlagCreate {
  return { key, ...definition, seed, environments: Object.fromEntries(states) }
}
