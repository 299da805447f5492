/** The parts of JsonLogic that its conditions are made of: operations, attributes, and what stands beside them. */
import type { Condition } from '@halyard/shared/contract/condition.ts'
import type { Json } from '@halyard/shared/engine/model.ts'
import { isScalar, type Scalar } from './json-logic.ts'
import { refuse } from './refuse.ts'

export type Leaf = Extract<Condition, { op: string }>

export interface ConditionScope {
  /** Whether every attribute may be taken to arrive in the type it is compared with, or not at all. */
  readonly isTyped: boolean
  readonly note: (text: string) => void
}

export interface Attribute {
  readonly path: string
  /** What a missing attribute counts as; null without a default. */
  readonly preset: Scalar | null
}

export interface Sides {
  readonly attribute: Attribute
  readonly operand: Scalar | null
  readonly isMirrored: boolean
}

/** When flagd evaluates, in seconds; it is in no context. */
export const clock = '$flagd.timestamp'

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

export function isVar(logic: Json): boolean {
  return (
    typeof logic === 'object' &&
    logic !== null &&
    !Array.isArray(logic) &&
    Object.keys(logic).join() === 'var'
  )
}

export function isClock(logic: Json): boolean {
  return isVar(logic) && readOperation(logic)[1].join() === clock
}

/** The attribute that a `var` names. */
export function attributeOf(variable: Json): Attribute {
  return readAttribute(readOperation(variable)[1])
}

/** The operands of `var`: a path, and perhaps a default. */
export function readAttribute([path = null, preset = null, ...more]: readonly Json[]): Attribute {
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

export function readSides(operator: string, operands: readonly Json[]): Sides {
  const [left = null, right = null, ...more] = operands
  if (operands.length < 2 || more.length > 0) refuse(`JsonLogic \`${operator}\` with other than two operands`)
  const isMirrored = !isVar(left)
  const [variable, operand] = isMirrored ? [right, left] : [left, right]
  if (!isVar(variable) || (operand !== null && !isScalar(operand))) {
    return refuse(`JsonLogic \`${operator}\` other than between an attribute and a value`)
  }
  return { attribute: attributeOf(variable), operand, isMirrored }
}

export function only(operator: string, operands: readonly Json[]): Json {
  const [operand = null, ...more] = operands
  return more.length === 0 && operands.length === 1
    ? operand
    : refuse(`JsonLogic \`${operator}\` with other than one operand`)
}

/** A leaf that is also true where the attribute is missing, if its default is: the opposite leaf says no to both. */
export function withMissing(leaf: Leaf, isTrueWhenMissing: boolean, scope: ConditionScope): Condition {
  if (!isTrueWhenMissing) return leaf
  assume(scope, leaf.attribute, 'what it is compared with', `JsonLogic \`var\` with a default that decides`)
  const { negate = false, ...rest } = leaf
  return { not: negate ? rest : { ...rest, negate: true } }
}

/** What only holds of attributes of one type needs the user's word for it. */
export function assume({ isTyped, note }: ConditionScope, path: string, type: string, problem: string): void {
  if (!isTyped) refuse(`${problem}; if "${path}" always arrives as ${type}, or not at all, say --typed`)
  note(`takes "${path}" to arrive as ${type}, or not at all`)
}
