/** What an override makes of a flag's state. Pure. */
import type { AppliedFlagState } from '@halyard/shared/checks/applied-state.ts'
import type { Variant } from '@halyard/shared/engine/model.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { OverrideOrder } from '@halyard/shared/contract/operations.ts'
import { invalid } from '../problem.ts'

type Override = AppliedFlagState['overrides'][number]
type Value = Override['values'][number]

/**
 * The state with these values in one override, of that variant and end, and in no other of their attribute; in none
 * if the variant is null. What is there already stays where it is. Throws a problem that names what would be allowed.
 */
export function override(
  state: AppliedFlagState,
  order: OverrideOrder,
  variants: readonly Pick<Variant, 'key'>[],
): AppliedFlagState {
  const { variant, until } = order
  const attribute = order.attribute ?? 'targetingKey'
  const values: readonly Value[] = order.targetingKeys ?? order.values ?? []
  const known = variants.map(({ key }) => key)
  if (variant === null) return { ...state, overrides: without(state.overrides, attribute, values) }
  if (!known.includes(variant)) {
    throw invalid(
      '/variant',
      `there is no variant "${variant}"; there is ${known.join(', ')}, or null to remove`,
    )
  }
  const wanted = { attribute, variant, ...(until !== undefined && { until }) }
  const isWanted = (one: Override) =>
    one.attribute === attribute && one.variant === variant && one.until === until
  const kept = state.overrides.flatMap((one) => (isWanted(one) ? [one] : without([one], attribute, values)))
  const present = new Set(kept.filter(isWanted).flatMap((one) => one.values))
  const missing = [...new Set(values)].filter((value) => !present.has(value))
  return { ...state, overrides: withRoom(kept, { ...wanted, values: missing }, isWanted) }
}

function without(overrides: readonly Override[], attribute: string, values: readonly Value[]): Override[] {
  const gone = new Set(values)
  return overrides
    .map((one) =>
      one.attribute === attribute ? { ...one, values: one.values.filter((value) => !gone.has(value)) } : one,
    )
    .filter((one) => one.values.length > 0)
}

/** Adds to the first of the same meaning that has room for all, else as a new one. */
function withRoom(
  overrides: readonly Override[],
  added: Override,
  isWanted: (one: Override) => boolean,
): Override[] {
  if (added.values.length === 0) return [...overrides]
  const at = overrides.findIndex(
    (one) => isWanted(one) && one.values.length + added.values.length <= limits.overrideValues,
  )
  if (at !== -1) {
    return overrides.map((one, i) => (i === at ? { ...one, values: [...one.values, ...added.values] } : one))
  }
  if (overrides.length === limits.overrides) {
    throw invalid('/variant', `a flag may have ${limits.overrides} overrides: remove one, or make a segment`)
  }
  return [...overrides, added]
}
