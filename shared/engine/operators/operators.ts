/**
 * The comparisons of leaves. There is no coercion between types, and text compares by code unit. A test is true where
 * the comparison applies to the type of the value and its outcome is the wanted one: a value that is missing, null, of
 * another type or NaN does not match, with `negate` or without. Only `exists` speaks about absence.
 */
import { taking, type CompileLeaf } from './leaf.ts'
import {
  compileHasAll,
  compileHasAny,
  compileHasNone,
  compileSizeEq,
  compileSizeGt,
  compileSizeLt,
} from './list-operators.ts'
import type { Operator } from '../model.ts'
import { compileInCidr } from './network-operators.ts'
import {
  compileBetween,
  compileGt,
  compileGte,
  compileLt,
  compileLte,
  compileModulo,
} from './number-operators.ts'
import { compileEq, compileExists, compileIn, compileIsType } from './scalar-operators.ts'
import { compileContains, compileEndsWith, compileMatches, compileStartsWith } from './text-operators.ts'
import {
  compileAfter,
  compileBefore,
  compileTimeOfDayIn,
  compileWeekdayIn,
  compileWithin,
} from './time-operators.ts'
import {
  compileSemverEq,
  compileSemverGt,
  compileSemverGte,
  compileSemverLt,
  compileSemverLte,
  compileSemverRange,
} from './version-operators.ts'

export type { CompilePattern, Test } from './leaf.ts'

const one = { operands: 'value' } as const
const list = { operands: 'values' } as const
const folding = { ...list, ignoreCase: true } as const
const timed = { ...list, zone: true, clock: true } as const

/**
 * Makes the test of a leaf, which decides without faults. Throws a SyntaxError if its members are not those that the
 * operator takes, or of the wrong shape.
 */
export const operators = {
  eq: taking({ ...one, ignoreCase: true }, compileEq),
  in: taking(folding, compileIn),
  contains: taking(folding, compileContains),
  startsWith: taking(folding, compileStartsWith),
  endsWith: taking(folding, compileEndsWith),
  matches: taking(one, compileMatches),
  gt: taking(one, compileGt),
  gte: taking(one, compileGte),
  lt: taking(one, compileLt),
  lte: taking(one, compileLte),
  between: taking(list, compileBetween),
  modulo: taking(list, compileModulo),
  semverEq: taking(one, compileSemverEq),
  semverGt: taking(one, compileSemverGt),
  semverGte: taking(one, compileSemverGte),
  semverLt: taking(one, compileSemverLt),
  semverLte: taking(one, compileSemverLte),
  semverRange: taking(one, compileSemverRange),
  before: taking({ ...one, clock: true }, compileBefore),
  after: taking({ ...one, clock: true }, compileAfter),
  within: taking({ ...list, clock: true }, compileWithin),
  weekdayIn: taking(timed, compileWeekdayIn),
  timeOfDayIn: taking(timed, compileTimeOfDayIn),
  hasAny: taking(folding, compileHasAny),
  hasAll: taking(folding, compileHasAll),
  hasNone: taking(folding, compileHasNone),
  sizeEq: taking(one, compileSizeEq),
  sizeGt: taking(one, compileSizeGt),
  sizeLt: taking(one, compileSizeLt),
  inCidr: taking(list, compileInCidr),
  exists: taking({ operands: 'none' }, compileExists),
  isType: taking(list, compileIsType),
} as const satisfies Record<Operator, CompileLeaf>

export function isOperator(name: string): name is Operator {
  return Object.hasOwn(operators, name)
}
