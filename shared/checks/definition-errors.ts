/** What a flag's definition must satisfy beyond its schema. Pure. */
import { jsonDepth } from '../contract/condition.ts'
import type { ValueType } from '../contract/flag.ts'
import { limits } from '../contract/limits.ts'
import type { Json, Variant } from '../engine/model.ts'
import { nothingCompiled, schemaFormErrors } from './value-schema-form.ts'
import { schemaErrors } from './value-schema.ts'
import type { WrongField } from './wrong-field.ts'

interface Definition {
  readonly valueType: ValueType
  readonly variants: readonly Variant[]
  /** That which is served once the flag has expired; null: it goes on as before. */
  readonly expiryVariant: string | null
  readonly valueSchema: Json | null
}

/** Every way in which a definition breaks its own rules; `compiled` counts for all flags of a request. */
export function definitionErrors(flag: Definition, at: string, compiled = nothingCompiled()): WrongField[] {
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

function sizeOf(value: Json): number {
  return new TextEncoder().encode(JSON.stringify(value)).length
}
