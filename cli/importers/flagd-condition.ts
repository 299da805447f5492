/**
 * JsonLogic conditions as conditions of ours, where the two are equal for every context; docs/importing.md says what is
 * taken as equal. What is not is refused by the name of its operator.
 */
import type { Condition } from '@halyard/shared/contract/condition.ts'
import type { Json } from '@halyard/shared/engine/model.ts'
import {
  assume,
  attributeOf,
  isVar,
  only,
  readAttribute,
  readOperation,
  readSides,
  withMissing,
  type Attribute,
  type ConditionScope,
  type Leaf,
} from './flagd-operands.ts'
import { readOrder, readVersionTest } from './flagd-order.ts'
import { isLooselyEqual, isScalar, isTruthy, numberOfText } from './json-logic.ts'
import { refuse } from './refuse.ts'

/** When a piece of JsonLogic counts as true. */
export function readCondition(logic: Json, scope: ConditionScope): Condition {
  if (logic === null || isScalar(logic)) return isTruthy(logic) ? { all: [] } : { any: [] }
  const [operator, operands] = readOperation(logic)
  const all = () => operands.map((operand) => readCondition(operand, scope))
  switch (operator) {
    case 'var':
      return readTruth(readAttribute(operands), scope)
    case '==':
    case '===':
      return readEquality(operator, operands, scope)
    case '!=':
      return { not: readEquality('==', operands, scope) }
    case '!==':
      return { not: readEquality('===', operands, scope) }
    case '>':
    case '>=':
    case '<':
    case '<=':
      return readOrder(operator, operands, scope)
    case 'in':
      return readIn(operands, scope)
    case 'starts_with':
    case 'ends_with':
      return readAffix(operator, operands, scope)
    case 'sem_ver':
      return readVersionTest(operands)
    case 'if':
      return readIf(operands, scope)
    case 'and':
      return operands.length > 0 ? { all: all() } : refuse('JsonLogic `and` without operands')
    case 'or':
      return operands.length > 0 ? { any: all() } : refuse('JsonLogic `or` without operands')
    case '!':
      return { not: readCondition(only(operator, operands), scope) }
    case '!!':
      return readCondition(only(operator, operands), scope)
    default:
      return refuse(`JsonLogic \`${operator}\` cannot be expressed as a condition`)
  }
}

function readEquality(operator: '==' | '===', operands: readonly Json[], scope: ConditionScope): Condition {
  const { attribute, operand } = readSides(operator, operands)
  const { path, preset } = attribute
  if (operand === null) {
    if (preset !== null)
      return refuse(`JsonLogic \`${operator}\` of "${path}", which has a default, with null`)
    return { not: { attribute: path, op: 'exists' } }
  }
  if (operator === '===') {
    return withMissing({ attribute: path, op: 'eq', value: operand }, preset === operand, scope)
  }
  const isEqual = isLooselyEqual(preset, operand)
  if (typeof operand === 'string') return withMissing(looseText(path, operand), isEqual, scope)
  assume(
    scope,
    path,
    typeof operand === 'number' ? 'a number' : 'true or false',
    `JsonLogic \`==\` with ${operand} is also true of ${alike(operand)}`,
  )
  return withMissing({ attribute: path, op: 'eq', value: operand }, isEqual, scope)
}

function alike(operand: number | boolean): string {
  return typeof operand === 'number'
    ? `texts such as "${operand}"`
    : `${Number(operand)} and "${Number(operand)}"`
}

/** A text equals itself and, if it reads as a number, that number and the truth value that counts as it. */
function looseText(attribute: string, text: string): Leaf {
  const number = numberOfText(text)
  if (number === 'unclear') {
    return refuse(
      `JsonLogic \`==\` with "${text}": evaluators differ on whether that is a number; use \`===\``,
    )
  }
  if (number === null || !Number.isFinite(number)) return { attribute, op: 'eq', value: text }
  const truth = number === 1 ? [true] : number === 0 ? [false] : []
  return { attribute, op: 'in', values: [text, number, ...truth] }
}

function readIn(operands: readonly Json[], scope: ConditionScope): Condition {
  const [needle = null, list = null, ...more] = operands
  if (typeof needle === 'string' && isVar(list) && more.length === 0) return readWithin(needle, list)
  if (!isVar(needle) || !Array.isArray(list) || more.length > 0) {
    return refuse('JsonLogic `in` other than an attribute in a list of values, or a text in an attribute')
  }
  if (!list.every(isScalar))
    return refuse('JsonLogic `in` with a list of more than texts, numbers and truth values')
  const { path, preset } = attributeOf(needle)
  if (list.length === 0) return { any: [] }
  return withMissing(
    { attribute: path, op: 'in', values: list },
    preset !== null && list.includes(preset),
    scope,
  )
}

/** A part of a text, or an item of a list: whichever the attribute is. */
function readWithin(needle: string, haystack: Json): Condition {
  const { path: attribute, preset } = attributeOf(haystack)
  if (needle === '') return refuse('JsonLogic `in` of an empty text, which every text has in it')
  if (typeof preset === 'string' && preset.includes(needle))
    return refuse('JsonLogic `in` of an attribute with a default that decides')
  return {
    any: [
      { attribute, op: 'contains', values: [needle] },
      { attribute, op: 'hasAny', values: [needle] },
    ],
  }
}

function readAffix(
  operator: 'starts_with' | 'ends_with',
  operands: readonly Json[],
  scope: ConditionScope,
): Condition {
  const [text = null, affix = null, ...more] = operands
  if (!isVar(text) || typeof affix !== 'string' || affix === '' || more.length > 0) {
    return refuse(`JsonLogic \`${operator}\` other than an attribute with a text of at least one character`)
  }
  const { path, preset } = attributeOf(text)
  const [op, holds] =
    operator === 'starts_with'
      ? (['startsWith', (of: string) => of.startsWith(affix)] as const)
      : (['endsWith', (of: string) => of.endsWith(affix)] as const)
  const leaf: Leaf = { attribute: path, op, values: [affix] }
  return withMissing(leaf, typeof preset === 'string' && holds(preset), scope)
}

/** A chain of conditions whose results are conditions too. */
function readIf(operands: readonly Json[], scope: ConditionScope): Condition {
  const [condition = null, result = null, ...rest] = operands
  const test = readCondition(condition, scope)
  if (operands.length < 2) return test
  return {
    any: [{ all: [test, readCondition(result, scope)] }, { all: [{ not: test }, readIf(rest, scope)] }],
  }
}

function readTruth({ path, preset }: Attribute, scope: ConditionScope): Condition {
  assume(
    scope,
    path,
    'a text, a number, true or false',
    'JsonLogic `var` as a condition is also true of lists and objects',
  )
  return withMissing(
    { attribute: path, op: 'in', values: [false, 0, ''], negate: true },
    isTruthy(preset),
    scope,
  )
}
