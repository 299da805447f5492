/**
 * The comparisons of leaves. There is no coercion between types, and text compares by code unit. A test is true where
 * the comparison applies to the type of the value and its outcome is the wanted one: a value that is missing or of
 * another type does not match, with `negate` or without.
 */
import { readAttribute, type Attribute, type Run } from './attribute.ts'
import type { Json, Operator } from './model.ts'
import { readList, readNumber, readScalar, readText, type Shape } from './shape.ts'

export type Test = (run: Run) => boolean

/** What an operator compiles. `wanted` is false for a leaf with `negate`. */
export interface LeafScope {
  readonly leaf: Shape
  readonly attribute: Attribute
  readonly wanted: boolean
}

/** Makes the test of a leaf. Throws a SyntaxError if its operands are of the wrong shape. */
export const operators = {
  eq: compileEq,
  in: compileIn,
  startsWith: compileStartsWith,
  gt: compileGt,
  lt: compileLt,
} as const satisfies Record<Operator, (scope: LeafScope) => Test>

const operandsMax = 1_000

export function isOperator(name: string): name is Operator {
  return Object.hasOwn(operators, name)
}

function compileEq({ leaf, attribute, wanted }: LeafScope): Test {
  const operand = readScalar(leaf['value'], 'the operand of eq')
  const type = typeof operand
  return (run) => {
    const value = readAttribute(attribute, run)
    return typeof value === type && !Number.isNaN(value) && (value === operand) === wanted
  }
}

function compileIn({ leaf, attribute, wanted }: LeafScope): Test {
  const operands = readOperands(leaf, readScalar)
  const members = new Set<Json | undefined>(operands)
  if (wanted) return (run) => members.has(readAttribute(attribute, run))
  const types = new Set<string>(operands.map((operand) => typeof operand))
  // An empty list expects no type, so that none is wrong.
  const expected = types.size > 0 ? types : new Set(['string', 'number', 'boolean'])
  return (run) => {
    const value = readAttribute(attribute, run)
    return expected.has(typeof value) && !Number.isNaN(value) && !members.has(value)
  }
}

function compileStartsWith({ leaf, attribute, wanted }: LeafScope): Test {
  const prefixes = readOperands(leaf, readText)
  return (run) => {
    const value = readAttribute(attribute, run)
    return typeof value === 'string' && startsWithAny(value, prefixes) === wanted
  }
}

function compileGt({ leaf, attribute, wanted }: LeafScope): Test {
  const operand = readNumber(leaf['value'], 'the operand of gt')
  return (run) => {
    const value = readAttribute(attribute, run)
    return typeof value === 'number' && !Number.isNaN(value) && value > operand === wanted
  }
}

function compileLt({ leaf, attribute, wanted }: LeafScope): Test {
  const operand = readNumber(leaf['value'], 'the operand of lt')
  return (run) => {
    const value = readAttribute(attribute, run)
    return typeof value === 'number' && !Number.isNaN(value) && value < operand === wanted
  }
}

function readOperands<T>(leaf: Shape, readItem: (value: unknown, what: string) => T): T[] {
  const items = readList(leaf['values'], 'the list of operands', operandsMax)
  return items.map((item) => readItem(item, 'an operand'))
}

function startsWithAny(text: string, prefixes: readonly string[]): boolean {
  for (const prefix of prefixes) if (text.startsWith(prefix)) return true
  return false
}
