/** The coercions of JsonLogic, which are JavaScript's, as far as all evaluators of flagd agree on them. */
import type { Json } from '@halyard/shared/engine/model.ts'

export type Scalar = string | number | boolean

export function isScalar(value: Json | undefined): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/**
 * The number that a text counts as beside a number or a truth value: blank is 0, null is none. `unclear` is a text that
 * some evaluators read as a number and others do not, such as "0x10" or ".5".
 */
export function numberOfText(text: string): number | null | 'unclear' {
  if (/^\s*$/.test(text)) return 0
  if (/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text)) return Number(text)
  return /^\s*[+-]?(?:\d|\.\d|inf)/i.test(text) && mayReadAsNumber(text.trim()) ? 'unclear' : null
}

export function isTruthy(value: Scalar | null): boolean {
  return value !== null && value !== false && value !== 0 && value !== ''
}

/** `==` between a value and a scalar. */
export function isLooselyEqual(value: Scalar | null, to: Scalar): boolean {
  if (value === null) return false
  return typeof value === typeof to ? value === to : numberOf(value) === numberOf(to)
}

/** The side of an order comparison that is no number counts as one; a missing value counts as 0. */
export function numberOf(value: Scalar | null): number {
  if (typeof value !== 'string') return Number(value)
  const number = numberOfText(value)
  return typeof number === 'number' ? number : Number.NaN
}

/** JavaScript's numbers (hexadecimal, a bare point, spaces around) and Go's (also hexadecimal with an exponent). */
function mayReadAsNumber(text: string): boolean {
  return !Number.isNaN(Number(text)) || /^[+-]?(?:0x|inf)/i.test(text)
}
