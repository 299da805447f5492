/**
 * JsonLogic conditions as conditions of ours, where the two are equal for every context; README.md says what is taken
 * as equal. What is not is refused by the name of its operator.
 */
import type { Condition } from '@halyard/shared/contract/condition.ts'
import type { Json } from '@halyard/shared/engine/model.ts'
import { isLooselyEqual, isScalar, isTruthy, numberOf, numberOfText, type Scalar } from './json-logic.ts'
import { refuse } from './refuse.ts'

type Leaf = Extract<Condition, { op: string }>

export interface ConditionScope {
  /** Whether every attribute may be taken to arrive in the type it is compared with, or not at all. */
  readonly isTyped: boolean
  readonly note: (text: string) => void
}

interface Attribute {
  readonly path: string
  /** What a missing attribute counts as; null without a default. */
  readonly preset: Scalar | null
}

type Order = '>' | '>=' | '<' | '<='

const mirrored = { '>': '<', '>=': '<=', '<': '>', '<=': '>=' } as const satisfies Record<Order, Order>

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
      return readStartsWith(operands, scope)
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

/** The operator and operands of a piece of JsonLogic; a lone operand may stand without its list. */
export function readOperation(logic: Json): readonly [operator: string, operands: readonly Json[]] {
  if (logic === null || typeof logic !== 'object' || Array.isArray(logic))
    return refuse(`${JSON.stringify(logic)} stands where JsonLogic has an operation`)
  const entries = Object.entries(logic)
  const [entry] = entries
  if (!entry || entries.length > 1) {
    return refuse(`JsonLogic has one operator in an object, here are ${entries.length}`)
  }
  return [entry[0], Array.isArray(entry[1]) ? entry[1] : [entry[1]]]
}

function readEquality(operator: '==' | '===', operands: readonly Json[], scope: ConditionScope): Condition {
  const { attribute, operand } = readSides(operator, operands)
  const { path, preset } = attribute
  if (operand === null) {
    return refuse(`JsonLogic \`${operator}\` with null asks whether "${path}" is missing: no condition does`)
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

function readOrder(operator: Order, operands: readonly Json[], scope: ConditionScope): Condition {
  const { attribute, operand, isMirrored } = readSides(operator, operands)
  if (typeof operand !== 'number') {
    return refuse(
      `JsonLogic \`${operator}\` with ${JSON.stringify(operand)}: only numbers can be compared by order`,
    )
  }
  const { path, preset } = attribute
  const order = isMirrored ? mirrored[operator] : operator
  assume(
    scope,
    path,
    'a number',
    `JsonLogic \`${operator}\` also reads texts such as "${operand}" as numbers`,
  )
  const value = operand
  const leaf = {
    '>': { attribute: path, op: 'gt', value },
    '>=': { attribute: path, op: 'lt', value, negate: true },
    '<': { attribute: path, op: 'lt', value },
    '<=': { attribute: path, op: 'gt', value, negate: true },
  } as const satisfies Record<Order, Leaf>
  const missing = numberOf(preset)
  const holds = { '>': missing > value, '>=': missing >= value, '<': missing < value, '<=': missing <= value }
  return withMissing(leaf[order], holds[order], scope)
}

function readIn(operands: readonly Json[], scope: ConditionScope): Condition {
  const [needle = null, list = null, ...more] = operands
  if (!isVar(needle) || !Array.isArray(list) || more.length > 0) {
    return refuse(
      'JsonLogic `in` other than an attribute in a list of values (a part of a text, a list in the context)',
    )
  }
  if (!list.every(isScalar))
    return refuse('JsonLogic `in` with a list of more than texts, numbers and truth values')
  const { path, preset } = readAttribute(readOperation(needle)[1])
  if (list.length === 0) return { any: [] }
  return withMissing(
    { attribute: path, op: 'in', values: list },
    preset !== null && list.includes(preset),
    scope,
  )
}

function readStartsWith(operands: readonly Json[], scope: ConditionScope): Condition {
  const [text = null, prefix = null, ...more] = operands
  if (!isVar(text) || typeof prefix !== 'string' || prefix === '' || more.length > 0) {
    return refuse('JsonLogic `starts_with` other than an attribute with a text of at least one character')
  }
  const { path, preset } = readAttribute(readOperation(text)[1])
  const leaf: Leaf = { attribute: path, op: 'startsWith', values: [prefix] }
  return withMissing(leaf, typeof preset === 'string' && preset.startsWith(prefix), scope)
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

/** A leaf that is also true where the attribute is missing, if its default is: the opposite leaf says no to both. */
function withMissing(leaf: Leaf, isTrueWhenMissing: boolean, scope: ConditionScope): Condition {
  if (!isTrueWhenMissing) return leaf
  assume(scope, leaf.attribute, 'what it is compared with', `JsonLogic \`var\` with a default that decides`)
  const { negate = false, ...rest } = leaf
  return { not: negate ? rest : { ...rest, negate: true } }
}

/** What only holds of attributes of one type needs the user's word for it. */
function assume({ isTyped, note }: ConditionScope, path: string, type: string, problem: string): void {
  if (!isTyped) refuse(`${problem}; if "${path}" always arrives as ${type}, or not at all, say --typed`)
  note(`takes "${path}" to arrive as ${type}, or not at all`)
}

interface Sides {
  readonly attribute: Attribute
  readonly operand: Scalar | null
  readonly isMirrored: boolean
}

function readSides(operator: string, operands: readonly Json[]): Sides {
  const [left = null, right = null, ...more] = operands
  if (operands.length < 2 || more.length > 0) refuse(`JsonLogic \`${operator}\` with other than two operands`)
  const isMirrored = !isVar(left)
  const [variable, operand] = isMirrored ? [right, left] : [left, right]
  if (!isVar(variable) || (operand !== null && !isScalar(operand))) {
    return refuse(`JsonLogic \`${operator}\` other than between an attribute and a value`)
  }
  return { attribute: readAttribute(readOperation(variable)[1]), operand, isMirrored }
}

export function isVar(logic: Json): boolean {
  return (
    typeof logic === 'object' &&
    logic !== null &&
    !Array.isArray(logic) &&
    Object.keys(logic).join() === 'var'
  )
}

/** The operands of `var`: a path, and perhaps a default. */
function readAttribute([path = null, preset = null, ...more]: readonly Json[]): Attribute {
  if (typeof path !== 'string' || more.length > 0)
    return refuse('JsonLogic `var` other than of a named attribute')
  const names = path.split('.')
  if (names[0] === '$flagd')
    return refuse(`JsonLogic \`var\` of "${path}": flagd's own properties do not exist here`)
  if (names.some((name) => /^\d*$/.test(name)))
    return refuse(`JsonLogic \`var\` of "${path}": only names, no positions in lists and no whole context`)
  if (preset !== null && !isScalar(preset))
    return refuse(`JsonLogic \`var\` of "${path}" with a default that is no value`)
  return { path, preset }
}

function only(operator: string, operands: readonly Json[]): Json {
  const [operand = null, ...more] = operands
  return more.length === 0 && operands.length === 1
    ? operand
    : refuse(`JsonLogic \`${operator}\` with other than one operand`)
}
