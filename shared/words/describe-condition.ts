import type { Condition, Leaf, Operator } from '../engine/model.ts'
import { show, showList, showMoment } from './show.ts'

type ShowValue = typeof show

/** What a leaf asks of a value, to follow "is": `one of "CA" or "US"`, `at least 2.4 (version)`. Without its `negate`. */
export function describeWanted(leaf: Leaf, showValue: ShowValue = show): string {
  // An operator of a newer reader has no words yet.
  const wanted = Object.hasOwn(wants, leaf.op)
    ? wants[leaf.op](leaf, showValue)
    : `${leaf.op} ${operands(leaf)}`
  return leaf.ignoreCase === true ? `${wanted} (ignoring case)` : wanted
}

/**
 * A condition as the middle of a sentence: `country is one of "CA" and (plan is "pro" or plan is "team")`. A leaf with
 * `negate` asks for a value that is there.
 */
export function describeCondition(condition: Condition): string {
  if ('all' in condition) return describeParts(condition.all, 'and')
  if ('any' in condition) return describeParts(condition.any, 'or')
  if ('not' in condition) return describeNot(condition.not)
  if ('segment' in condition) return `the context is in segment ${show(condition.segment)}`
  if ('flag' in condition) return `flag ${show(condition.flag)} gives ${anyOf(condition.variants)}`
  return describeLeaf(condition)
}

/** An attribute's name in a sentence: `$now` is the time. */
export function describeAttribute(attribute: string): string {
  return attribute === '$now' ? 'the time' : attribute
}

const wants = {
  eq: ({ value }, showValue) => showValue(value),
  in: (leaf, showValue) =>
    `one of ${(leaf.values ?? []).length > 10 ? anyOf(leaf.values, showValue) : (leaf.values ?? []).map(showValue).join(', ')}`,
  contains: (leaf) => `a text containing ${anyOf(leaf.values)}`,
  startsWith: (leaf) => `a text starting with ${anyOf(leaf.values)}`,
  endsWith: (leaf) => `a text ending with ${anyOf(leaf.values)}`,
  matches: ({ value }) => `a text matching ${show(value)}`,
  gt: ({ value }) => `more than ${show(value)}`,
  gte: ({ value }) => `at least ${show(value)}`,
  lt: ({ value }) => `less than ${show(value)}`,
  lte: ({ value }) => `at most ${show(value)}`,
  between: ({ values }) => `between ${show(values?.[0])} and ${show(values?.[1])}`,
  modulo: ({ values }) => `a number that divided by ${show(values?.[0])} leaves ${show(values?.[1])}`,
  semverEq: ({ value }) => `${String(value)} (version)`,
  semverGt: ({ value }) => `later than ${String(value)} (version)`,
  semverGte: ({ value }) => `at least ${String(value)} (version)`,
  semverLt: ({ value }) => `earlier than ${String(value)} (version)`,
  semverLte: ({ value }) => `at most ${String(value)} (version)`,
  semverRange: ({ value }) => `in the range ${String(value)} (version)`,
  before: ({ value }) => `before ${moment(value)}`,
  after: ({ value }) => `after ${moment(value)}`,
  within: ({ values }) => `from ${moment(values?.[0])} until before ${moment(values?.[1])}`,
  weekdayIn: ({ values, zone }) => `on a ${showList((values ?? []).map(String), 'or')} (${zone ?? 'UTC'})`,
  timeOfDayIn: ({ values, zone }) =>
    `from ${String(values?.[0])} until before ${String(values?.[1])} o'clock (${zone ?? 'UTC'})`,
  hasAny: (leaf) => `a list with ${anyOf(leaf.values)}`,
  hasAll: (leaf) => `a list with ${showList((leaf.values ?? []).map(show), 'and')}`,
  hasNone: (leaf) => `a list without ${anyOf(leaf.values)}`,
  sizeEq: ({ value }) => `a list of ${items(value)}`,
  sizeGt: ({ value }) => `a list of more than ${items(value)}`,
  sizeLt: ({ value }) => `a list of less than ${items(value)}`,
  inCidr: ({ values }) => `an address in ${showList((values ?? []).map(String), 'or')}`,
  exists: () => 'given',
  isType: ({ values }) => `of type ${showList((values ?? []).map(String), 'or')}`,
} as const satisfies Record<Operator, (leaf: Leaf, showValue: ShowValue) => string>

function describeParts(parts: readonly Condition[], word: 'and' | 'or'): string {
  if (parts.length === 0) return word === 'and' ? 'always' : 'never'
  const [only] = parts
  if (parts.length === 1 && only) return describeCondition(only)
  return parts
    .map((part) => (isCompound(part) ? `(${describeCondition(part)})` : describeCondition(part)))
    .join(` ${word} `)
}

/** Whether it reads as several parts, which a neighbour could be taken for one of. */
function isCompound(condition: Condition): boolean {
  const parts = 'all' in condition ? condition.all : 'any' in condition ? condition.any : []
  const [only] = parts
  return parts.length === 1 && only ? isCompound(only) : parts.length > 1
}

function describeNot(part: Condition): string {
  if ('segment' in part) return `the context is not in segment ${show(part.segment)}`
  return `not (${describeCondition(part)})`
}

function describeLeaf(leaf: Leaf): string {
  const attribute = describeAttribute(leaf.attribute)
  if (leaf.negate !== true) return `${attribute} is ${describeWanted(leaf)}`
  return leaf.op === 'exists'
    ? `${attribute} is not given`
    : `${attribute} is given, but not ${describeWanted(leaf)}`
}

function anyOf(values: readonly (Leaf['value'] | string)[] = [], showValue: ShowValue = show): string {
  return showList(
    values.map((value) => showValue(value)),
    'or',
  )
}

function operands({ value, values }: Leaf): string {
  return values ? anyOf(values) : show(value)
}

function moment(value: Leaf['value']): string {
  return typeof value === 'string' || typeof value === 'number' ? showMoment(value) : show(value)
}

function items(value: Leaf['value']): string {
  return `${show(value)} ${value === 1 ? 'item' : 'items'}`
}
