import type { Variant } from '../engine/model.ts'
import type { AppliedFlagState } from './applied-state.ts'

/** What a boolean flag has that names no variants. */
export const booleanVariants: readonly Variant[] = [
  { key: 'on', value: true },
  { key: 'off', value: false },
]

/** A new flag is switched off; switched on, a boolean serves true to everyone, another type its first variant. */
export function firstState(variants: readonly Variant[]): AppliedFlagState {
  const first = variants[0]?.key ?? ''
  const off = variants.find((variant) => variant.value === false)?.key ?? first
  const on = variants.find((variant) => variant.value === true)?.key ?? first
  return {
    enabled: false,
    offVariant: off,
    prerequisites: [],
    overrides: [],
    rules: [],
    fallthrough: { variant: on },
  }
}
