import type { Json } from '../client/flags.ts'
import type { FlagFileInput } from '../local/read-object.ts'

/** A flag as a file of flags has it. */
export type FlagDefinition = FlagFileInput['flags'][string]

/** A flag that gives everybody a value. */
export function valueFlag(value: Json): FlagDefinition {
  const common = { enabled: true, clientVisible: true }
  if (typeof value === 'boolean') return { ...common, variant: value ? 'on' : 'off' }
  return { ...common, variants: { value }, variant: 'value' }
}

/** A flag that gives one context a value, whatever else it says; an earlier value of that context goes. */
export function withOverride(flag: FlagDefinition, targetingKey: string, value: Json): FlagDefinition {
  const variants = flag.variants ?? { on: true, off: false }
  const text = JSON.stringify(value)
  const known = Object.keys(variants).find((key) => JSON.stringify(variants[key]) === text)
  const variant = known ?? freeName(variants)
  return {
    ...flag,
    variants: { ...variants, [variant]: value },
    overrides: [{ values: [targetingKey], variant }, ...(flag.overrides ?? [])],
  }
}

function freeName(variants: object): string {
  for (let n = 2; ; n++) if (!Object.hasOwn(variants, `value-${n}`)) return `value-${n}`
}
