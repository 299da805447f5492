import { firstState } from '@halyard/shared/checks/first-state.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { Json } from '../client/flags.ts'
import type { FlagFileInput } from '../local/read-object.ts'

/** A flag as a file of flags has it. */
export type FlagDefinition = FlagFileInput['flags'][string]

const booleanValues = { on: true, off: false }
const madeName = /^set-for-\d+$/

/** A flag that gives everybody a value. */
export function valueFlag(value: Json): FlagDefinition {
  const common = { enabled: true, clientVisible: true }
  if (typeof value === 'boolean') return { ...common, variant: value ? 'on' : 'off' }
  return { ...common, variants: { value }, variant: 'value' }
}

/**
 * A flag that gives one context a value, and everybody else what they had; an earlier value of that context goes. It comes
 * before all rules, and after the flag's expiry and prerequisites.
 */
export function withOverride(flag: FlagDefinition, targetingKey: string, value: Json): FlagDefinition {
  const { overrides = [], ...rest } = switchedOn(flag)
  const others = overrides.flatMap((override) => withoutKey(override, targetingKey))
  const variants = withoutUnused(rest, others)
  const text = JSON.stringify(value)
  const known = Object.keys(variants).find((key) => JSON.stringify(variants[key]) === text)
  const variant = known ?? freeName(variants)
  return {
    ...rest,
    variants: { ...variants, [variant]: value },
    overrides: withKey(others, targetingKey, variant),
  }
}

type Override = NonNullable<FlagDefinition['overrides']>[number]

/** A flag that is off has no overrides: this is one that gives everybody its off variant all the same. */
function switchedOn(flag: FlagDefinition): FlagDefinition {
  if (flag.enabled) return flag
  const variants = Object.entries(flag.variants ?? booleanValues).map(([key, value]) => ({ key, value }))
  return {
    ...flag,
    enabled: true,
    onExpiry: 'keep',
    prerequisites: [],
    overrides: [],
    rules: [],
    fallthrough: undefined,
    variant: flag.offVariant ?? firstState(variants).offVariant,
  }
}

function withoutKey(override: Override, targetingKey: string): Override[] {
  if (!isByKey(override)) return [override]
  const values = override.values.filter((value) => value !== targetingKey)
  return values.length > 0 ? [{ ...override, values }] : []
}

/** Those that stand before all that go by another attribute; one more context of such a variant costs no further override. */
function withKey(overrides: readonly Override[], targetingKey: string, variant: string): Override[] {
  const end = overrides.findIndex((override) => !isByKey(override))
  const at = overrides
    .slice(0, end === -1 ? undefined : end)
    .findIndex(
      (one) =>
        one.variant === variant && one.until === undefined && one.values.length < limits.overrideValues,
    )
  if (at === -1) return [{ values: [targetingKey], variant }, ...overrides]
  return overrides.map((one, index) =>
    index === at ? { ...one, values: [...one.values, targetingKey] } : one,
  )
}

function isByKey({ attribute = 'targetingKey' }: Override): boolean {
  return attribute === 'targetingKey'
}

/** Without the variants that were made here and that nothing names any more: there is a limit to how many a flag may have. */
function withoutUnused(
  { variants = booleanValues, ...rest }: FlagDefinition,
  overrides: readonly Override[],
) {
  const named = JSON.stringify([rest, overrides])
  const isNeeded = (key: string) => !madeName.test(key) || named.includes(JSON.stringify(key))
  return Object.fromEntries(Object.entries(variants).filter(([key]) => isNeeded(key)))
}

function freeName(variants: object): string {
  for (let n = 1; ; n++) if (!Object.hasOwn(variants, `set-for-${n}`)) return `set-for-${n}`
}
