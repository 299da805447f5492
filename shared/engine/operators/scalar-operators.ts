/** `eq`, `in`, `exists` and `isType`. */
import { foldedOf, readAttribute } from '../attribute.ts'
import { fold } from './folding.ts'
import { readIgnoreCase, readMembers, readOperands, type LeafScope, type Test } from './leaf.ts'
import type { Json } from '../model.ts'
import { readScalar, readText, refuse } from '../shape.ts'

/** The types that `isType` tells apart. */
type TypeName = (typeof typeNames)[number]

const typeNames = ['string', 'number', 'boolean', 'list', 'object'] as const

export function compileEq({ leaf, attribute, wanted }: LeafScope): Test {
  const operand = readScalar(leaf['value'], 'the operand of eq')
  if (readIgnoreCase(leaf) && typeof operand === 'string') {
    const folded = fold(operand)
    return (run) => {
      const value = foldedOf(attribute, run)
      return typeof value === 'string' && (value === folded) === wanted
    }
  }
  const type = typeof operand
  return (run) => {
    const value = readAttribute(attribute, run)
    return typeof value === type && !Number.isNaN(value) && (value === operand) === wanted
  }
}

export function compileIn({ leaf, attribute, wanted }: LeafScope): Test {
  const { members, isFolding } = readMembers(leaf)
  if (wanted && !isFolding) return (run) => members.has(readAttribute(attribute, run))
  const read = isFolding ? foldedOf : readAttribute
  if (wanted) return (run) => members.has(read(attribute, run))
  const types = new Set<string>([...members].map((member) => typeof member))
  // An empty list expects no type, so that none is wrong.
  const expected = types.size > 0 ? types : new Set(['string', 'number', 'boolean'])
  return (run) => {
    const value = read(attribute, run)
    return expected.has(typeof value) && !Number.isNaN(value) && !members.has(value)
  }
}

/** Null is absent. All else is there, whatever it is, so that `negate` says that it is not. */
export function compileExists({ attribute, wanted }: LeafScope): Test {
  return (run) => {
    const value = readAttribute(attribute, run)
    return (value !== undefined && value !== null) === wanted
  }
}

export function compileIsType({ leaf, attribute, wanted }: LeafScope): Test {
  const types = new Set(readOperands(leaf, readTypeName))
  return (run) => {
    const type = typeOf(readAttribute(attribute, run))
    return type !== 'none' && types.has(type) === wanted
  }
}

function readTypeName(value: unknown, what: string): TypeName {
  const name = readText(value, what)
  return typeNames.find((known) => known === name) ?? refuse(`${what} is none of ${typeNames.join(', ')}`)
}

/** `none` for what is missing, and for NaN, which matches nothing. */
function typeOf(value: Json | undefined): TypeName | 'none' {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'number') return Number.isNaN(value) ? 'none' : 'number'
  if (typeof value !== 'object' || value === null) return 'none'
  return Array.isArray(value) ? 'list' : 'object'
}
