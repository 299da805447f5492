/** Comparisons by order: of numbers, of versions, of the moment. */
import type { Condition } from '@halyard/shared/contract/condition.ts'
import type { Json } from '@halyard/shared/engine/model.ts'
import {
  assume,
  attributeOf,
  clock,
  isClock,
  isVar,
  readSides,
  withMissing,
  type ConditionScope,
  type Leaf,
} from './flagd-operands.ts'
import { numberOf } from './json-logic.ts'
import { refuse } from './refuse.ts'

export type Order = '>' | '>=' | '<' | '<='

const mirrored = { '>': '<', '>=': '<=', '<': '>', '<=': '>=' } as const satisfies Record<Order, Order>

/** `<` and its like: an attribute or the moment beside a number, or an attribute between two. */
export function readOrder(operator: Order, operands: readonly Json[], scope: ConditionScope): Condition {
  const [first = null, middle = null, last = null] = operands
  if (operands.length === 3 && (operator === '<' || operator === '<=')) {
    if (isVar(first) || !isVar(middle) || isVar(last))
      refuse(`JsonLogic \`${operator}\` of three other than a value, an attribute and a value`)
    return {
      all: [readOrder(operator, [first, middle], scope), readOrder(operator, [middle, last], scope)],
    }
  }
  if (operands.length === 2 && operands.some(isClock)) return readMoment(operator, [first, middle])
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
    '>=': { attribute: path, op: 'gte', value },
    '<': { attribute: path, op: 'lt', value },
    '<=': { attribute: path, op: 'lte', value },
  } as const satisfies Record<Order, Leaf>
  const missing = numberOf(preset)
  const holds = { '>': missing > value, '>=': missing >= value, '<': missing < value, '<=': missing <= value }
  return withMissing(leaf[order], holds[order], scope)
}

/** flagd's clock stands at whole seconds: past one is from the next on. */
function readMoment(operator: Order, [left, right]: readonly [Json, Json]): Condition {
  const [order, second] = isClock(left) ? [operator, right] : [mirrored[operator], left]
  if (typeof second !== 'number' || !Number.isSafeInteger(second) || Math.abs(second) > 8e12)
    return refuse(`JsonLogic \`${operator}\` of "${clock}" with other than whole seconds`)
  const bound = order === '>' || order === '<=' ? second + 1 : second
  const before: Leaf = { attribute: '$now', op: 'before', value: new Date(bound * 1_000).toISOString() }
  return order === '<' || order === '<=' ? before : { ...before, negate: true }
}

/** The prerelease before all others: what comes from it on is of that version's numbers, or later. */
const lowest = '-0'
const versionForm =
  /^v?(0|[1-9]\d{0,14})(?:\.(0|[1-9]\d{0,14})(?:\.(?:0|[1-9]\d{0,14})(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)?)?$/

/** `sem_ver`. In flagd `^` is "of the same major version" and `~` "and of the same minor", whichever is later. */
export function readVersionTest(operands: readonly Json[]): Condition {
  const [version = null, operator = null, target = null, ...more] = operands
  if (!isVar(version) || typeof target !== 'string' || more.length > 0)
    return refuse('JsonLogic `sem_ver` other than an attribute, an operator and a version')
  const { path: attribute, preset } = attributeOf(version)
  if (preset !== null) return refuse('JsonLogic `sem_ver` of an attribute with a default')
  const parts = versionForm.exec(target)
  if (!parts) return refuse(`JsonLogic \`sem_ver\` with "${target}", which is no version`)
  const [major, minor] = [Number(parts[1]), Number(parts[2] ?? 0)]
  const within = (from: string, to: string): Condition => ({
    all: [
      { attribute, op: 'semverGte', value: `${from}${lowest}` },
      { attribute, op: 'semverLt', value: `${to}${lowest}` },
    ],
  })
  switch (operator) {
    case '=':
      return { attribute, op: 'semverEq', value: target }
    case '!=':
      return { attribute, op: 'semverEq', value: target, negate: true }
    case '<':
      return { attribute, op: 'semverLt', value: target }
    case '<=':
      return { attribute, op: 'semverLte', value: target }
    case '>':
      return { attribute, op: 'semverGt', value: target }
    case '>=':
      return { attribute, op: 'semverGte', value: target }
    case '^':
      return within(`${major}.0.0`, `${major + 1}.0.0`)
    case '~':
      return within(`${major}.${minor}.0`, `${major}.${minor + 1}.0`)
    default:
      return refuse(`JsonLogic \`sem_ver\` with the operator ${JSON.stringify(operator)}`)
  }
}
