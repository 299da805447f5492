/** What a flag and its state must satisfy beyond their schemas, and what a flag starts as. Pure. */
import type { Json, Variant } from '@halyard/shared/engine/model.ts'
import { jsonDepth } from '@halyard/shared/contract/condition.ts'
import type { FlagPatch, FlagStatePatch, ParsedFlagCreate, ValueType } from '@halyard/shared/contract/flag.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import { momentMs } from '@halyard/shared/contract/moment.ts'
import { makeId, makeSeed } from '@halyard/shared/protocol/ids.ts'
import type { AppliedFlagState } from '../ports.ts'
import { ProblemError, type WrongField } from '../problem.ts'
import type { FlagRow } from '../store/select.ts'
import { nothingCompiled, schemaFormErrors } from './value-schema-form.ts'
import { schemaErrors } from './value-schema.ts'

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
  return {
    enabled: false,
    offVariant: off,
    prerequisites: [],
    overrides: [],
    rules: [],
    fallthrough: { variant: on },
  }
}

/**
 * JSON merge patch of a state: named fields replace, others stay. New rules get their ids, new samples their seeds; the
 * sample of a known rule keeps its seed.
 */
export function patchState(state: AppliedFlagState, patch: FlagStatePatch): AppliedFlagState {
  const { rules, ...rest } = patch
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  if (!rules) return { ...state, ...given }
  const seeds = new Map(state.rules.map((rule) => [rule.id, rule.sample?.seed]))
  return { ...state, ...given, rules: rules.map((rule) => applyRule(rule, seeds)) }
}

function applyRule(
  { id = makeId('rul'), sample, ...rule }: NonNullable<FlagStatePatch['rules']>[number],
  seeds: ReadonlyMap<string, string | undefined>,
): AppliedFlagState['rules'][number] {
  if (!sample) return { ...rule, id }
  return { ...rule, id, sample: { ...sample, seed: sample.seed ?? seeds.get(id) ?? makeSeed() } }
}

/** The definition of a flag as a patch may name it. */
export type DefinitionPatch = Omit<FlagPatch, keyof FlagStatePatch | 'comment'>

/** What a patch says of a flag's row: named fields only. */
export function definitionOf(patch: DefinitionPatch): Partial<FlagRow> {
  const { expiresAt, onExpiry, schema, ...rest } = patch
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return {
    ...given,
    ...(expiresAt !== undefined && { expiresAt: expiresAt === null ? null : new Date(momentMs(expiresAt)) }),
    ...(onExpiry !== undefined && { expiryVariant: onExpiry === 'keep' ? null : onExpiry.variant }),
    ...(schema !== undefined && { valueSchema: schema }),
  }
}

/** Every way in which a definition breaks its own rules; `compiled` counts for all flags of a request. */
export function definitionErrors(
  flag: Pick<FlagRow, 'valueType' | 'variants' | 'expiryVariant' | 'valueSchema'>,
  at: string,
  compiled = nothingCompiled(),
): WrongField[] {
  const errors = variantErrors(flag.valueType, flag.variants, at)
  const { expiryVariant, valueSchema, variants } = flag
  if (expiryVariant !== null && !variants.some(({ key }) => key === expiryVariant)) {
    errors.push(noVariant(expiryVariant, variants, `${at}/onExpiry/variant`))
  }
  if (valueSchema === null) return errors
  const size = sizeOf(valueSchema)
  if (size > limits.schemaBytes) {
    const detail = `is ${size} bytes large; at most ${limits.schemaBytes} are allowed`
    return [...errors, { pointer: `${at}/schema`, detail }]
  }
  const form = schemaFormErrors(valueSchema, `${at}/schema`, compiled)
  return [...errors, ...(form.length > 0 ? form : schemaErrors(valueSchema, variants, at))]
}

export function noVariant(variant: string, variants: readonly Variant[], pointer: string): WrongField {
  const known = variants.map(({ key }) => key).join(', ')
  return { pointer, detail: `there is no variant "${variant}"; there is ${known}` }
}

/** Every way in which variants break the flag's type or limits. */
function variantErrors(valueType: ValueType, variants: readonly Variant[], at: string): WrongField[] {
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
    } else if (sizeOf(value) > limits.valueBytes) {
      errors.push({ pointer: `${pointer}/value`, detail: `is larger than ${limits.valueBytes} bytes` })
    }
  }
  return errors
}

/** Throws `invalid_input` if there are any. */
export function refuseErrors(errors: readonly WrongField[]): void {
  if (errors.length > 0) throw new ProblemError('invalid_input', { errors })
}

function sizeOf(value: Json): number {
  return new TextEncoder().encode(JSON.stringify(value)).length
}
