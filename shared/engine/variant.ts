import { freezeDeep } from './answer.ts'
import type { Json, ValueType } from './model.ts'
import { isShape, readList, readShape, readText, refuse } from './shape.ts'

/** The values by the variants' keys. */
export type Variants = ReadonlyMap<string, Json>

const variantsMax = 64
/** A value can be walked and written without running out of stack. */
const valueDepthMax = 100
const members = new Set(['key', 'value'])

/** Reads the variants of a flag, each value of the flag's type. Throws a SyntaxError if they are of another shape. */
export function readVariants(raw: unknown, valueType: unknown): Variants {
  const type = readValueType(valueType)
  const variants = new Map<string, Json>()
  for (const item of readList(raw, '"variants"', variantsMax)) {
    const variant = readShape(item, 'a variant', members)
    const key = readText(variant['key'], 'the key of a variant')
    if (variants.has(key)) refuse(`two variants are called "${key}"`)
    variants.set(key, readValue(variant['value'], type))
  }
  return variants
}

function readValueType(value: unknown): ValueType {
  if (value === 'boolean' || value === 'string' || value === 'number' || value === 'json') return value
  return refuse('unknown type of value')
}

function readValue(value: unknown, type: ValueType): Json {
  if (!isJson(value, 0)) refuse(`a value is missing, not finite, or deeper than ${valueDepthMax}`)
  if (type !== 'json' && typeof value !== type) refuse(`a value is no ${type}`)
  return freezeDeep(value)
}

/** A parser made the value, so only absence, depth and a number such as 1e999 can be wrong. */
function isJson(value: unknown, depth: number): value is Json {
  if (value === undefined || depth > valueDepthMax) return false
  if (typeof value === 'number') return Number.isFinite(value)
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1))
  return !isShape(value) || Object.values(value).every((item) => isJson(item, depth + 1))
}
