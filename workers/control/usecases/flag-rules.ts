/** What a flag and its state must satisfy beyond their schemas, and what a flag starts as. Pure. */
import type { Variant } from '@halyard/shared/engine/model.ts'
import { jsonDepth } from '@halyard/shared/contract/condition.ts'
import type {
  FlagState,
  FlagStatePatch,
  ParsedFlagCreate,
  Serve,
  ValueType,
} from '@halyard/shared/contract/flag.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import type { AppliedFlagState } from '../ports.ts'
import { ProblemError, type WrongField } from '../problem.ts'

const booleanVariants: Variant[] = [
  { key: 'on', value: true },
  { key: 'off', value: false },
]

/** A boolean flag may leave its variants out: on and off. */
export function variantsOrDefault({ valueType, variants }: ParsedFlagCreate, at: string): Variant[] {
  if (variants) return variants
  if (valueType === 'boolean') return booleanVariants
  throw new ProblemError('invalid_input', {
    errors: [
      {
        pointer: `${at}/variants`,
        detail: `a ${valueType} flag needs its variants: [{"key": …, "value": …}]`,
      },
    ],
  })
}

/** A new flag is switched off; switched on, a boolean serves true to everyone, another type its first variant. */
export function firstState(variants: readonly Variant[]): AppliedFlagState {
  const first = variants[0]?.key ?? ''
  const off = variants.find((variant) => variant.value === false)?.key ?? first
  const on = variants.find((variant) => variant.value === true)?.key ?? first
  return { enabled: false, offVariant: off, overrides: [], rules: [], fallthrough: { variant: on } }
}

/** JSON merge patch of a state: named fields replace, others stay. New rules get their ids. */
export function patchState(state: AppliedFlagState, patch: FlagStatePatch): AppliedFlagState {
  const { rules, ...rest } = patch
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return {
    ...state,
    ...given,
    ...(rules && { rules: rules.map((rule) => ({ ...rule, id: rule.id ?? makeId('rul') })) }),
  }
}

/** Every way in which variants break the flag's type or limits. */
export function variantErrors(valueType: ValueType, variants: readonly Variant[], at: string): WrongField[] {
  const errors: WrongField[] = []
  const seen = new Set<string>()
  for (const [index, { key, value }] of variants.entries()) {
    const pointer = `${at}/variants/${index}`
    if (seen.has(key)) errors.push({ pointer: `${pointer}/key`, detail: `"${key}" is used twice` })
    seen.add(key)
    const actual = value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value
    if (valueType !== 'json' && actual !== valueType) {
      errors.push({
        code: 'variant_type_mismatch',
        pointer: `${pointer}/value`,
        detail: `is a ${actual}, the flag is of type ${valueType}`,
      })
    }
    if (jsonDepth(value, 64) > 64) {
      errors.push({ pointer: `${pointer}/value`, detail: 'is nested more than 64 deep' })
    } else if (new TextEncoder().encode(JSON.stringify(value)).length > limits.valueBytes) {
      errors.push({ pointer: `${pointer}/value`, detail: `is larger than ${limits.valueBytes} bytes` })
    }
  }
  return errors
}

/** Every reference of a state to a variant that the flag does not have, and rule ids used twice. */
export function stateErrors(state: FlagState, variants: readonly Variant[], at: string): WrongField[] {
  const known = new Set(variants.map((variant) => variant.key))
  const errors: WrongField[] = []
  const check = (variant: string, pointer: string) => {
    if (!known.has(variant))
      errors.push({ pointer, detail: `there is no variant "${variant}"; there is ${[...known].join(', ')}` })
  }
  const checkServe = (serve: Serve, pointer: string) => {
    if ('variant' in serve) check(serve.variant, `${pointer}/variant`)
    else
      serve.split.weights.forEach((weight, i) =>
        check(weight.variant, `${pointer}/split/weights/${i}/variant`),
      )
  }
  check(state.offVariant, `${at}/offVariant`)
  state.overrides.forEach((override, i) => check(override.variant, `${at}/overrides/${i}/variant`))
  state.rules.forEach((rule, i) => checkServe(rule.serve, `${at}/rules/${i}/serve`))
  checkServe(state.fallthrough, `${at}/fallthrough`)
  const ids = new Set<string>()
  state.rules.forEach((rule, i) => {
    if (rule.id !== undefined && ids.has(rule.id))
      errors.push({ pointer: `${at}/rules/${i}/id`, detail: 'is used twice' })
    if (rule.id !== undefined) ids.add(rule.id)
  })
  return errors
}

/** Throws `invalid_input` if there are any. */
export function refuseErrors(errors: readonly WrongField[]): void {
  if (errors.length > 0) throw new ProblemError('invalid_input', { errors })
}
