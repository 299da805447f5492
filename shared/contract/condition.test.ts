import { expect, expectTypeOf, test } from 'vitest'
import type * as engine from '../engine/model.ts'
import { operators } from '../engine/operators/operators.ts'
import { Condition, jsonDepth, measureCondition } from './condition.ts'

// What the API accepts, the engine can read.
expectTypeOf<Condition>().toExtend<engine.Condition>()

const leaf = { attribute: 'country', op: 'eq', value: 'CA' } as const

test('depth and comparisons are counted through all, any and not', () => {
  expect(measureCondition(leaf)).toEqual({ depth: 1, leaves: 1 })
  expect(measureCondition({ all: [] })).toEqual({ depth: 1, leaves: 0 })
  expect(measureCondition({ all: [leaf, { any: [leaf, { not: leaf }] }] })).toEqual({ depth: 4, leaves: 3 })
})

test('a tree of all, any and not over comparisons parses as it stands', () => {
  const tree = { all: [leaf, { not: { any: [{ attribute: 'age', op: 'gt', value: 17, negate: true }] } }] }
  expect(Condition.parse(tree)).toEqual(tree)
})

const at = '2026-11-20T12:00:00Z'
const operands: readonly [readonly string[], object][] = [
  [['eq'], { value: 'x', ignoreCase: true }],
  [['in', 'hasAny', 'hasAll', 'hasNone'], { values: ['x', 1, true], ignoreCase: true }],
  [['contains', 'startsWith', 'endsWith'], { values: ['x'], ignoreCase: true }],
  [
    ['matches', 'semverEq', 'semverGt', 'semverGte', 'semverLt', 'semverLte', 'semverRange'],
    { value: '1.2' },
  ],
  [['gt', 'gte', 'lt', 'lte'], { value: 0.5 }],
  [['between', 'modulo'], { values: [2, 1] }],
  [['before', 'after'], { value: at }],
  [['within'], { values: [at, 1_800_000_000_000] }],
  [['weekdayIn'], { values: ['monday', 'sunday'], zone: 'Europe/Berlin' }],
  [['timeOfDayIn'], { values: ['22:00', '06:30:15'], zone: 'UTC' }],
  [['sizeEq', 'sizeGt', 'sizeLt'], { value: 3 }],
  [['inCidr'], { values: ['10.0.0.0/8', '::1'] }],
  [['exists'], {}],
  [['isType'], { values: ['string', 'number', 'boolean', 'list', 'object'] }],
]
const leaves = operands.flatMap(([ops, rest]) =>
  ops.map((op) => ({ attribute: 'a', op, ...rest, negate: true })),
)

test('every operator of the engine is one of the contract, with its own operands and no others', () => {
  expect(leaves.map(({ op }) => op).toSorted()).toEqual(Object.keys(operators).toSorted())
  for (const whole of leaves) {
    expect(Condition.parse(whole)).toEqual(whole)
    for (const name of ['value', 'values', 'ignoreCase', 'zone'].filter((one) => !(one in whole)))
      expect({ whole, name, ok: Condition.safeParse({ ...whole, [name]: 'UTC' }).success }).toMatchObject({
        ok: false,
      })
    for (const name of ['value', 'values'].filter((one) => one in whole)) {
      const { [name]: _, ...rest } = whole as Record<string, unknown>
      expect({ rest, ok: Condition.safeParse(rest).success }).toMatchObject({ ok: false })
    }
  }
})

test('segments and other flags are leaves, counted as comparisons are', () => {
  const tree = { any: [{ segment: 'beta' }, { not: { flag: 'other', variants: ['on', 'off'] } }] }
  expect(Condition.parse(tree)).toEqual(tree)
  expect(measureCondition(tree)).toEqual({ depth: 3, leaves: 2 })
})

test('the clock is for the operators of time, and for no other', () => {
  const timed = new Set(['before', 'after', 'within', 'weekdayIn', 'timeOfDayIn'])
  for (const whole of leaves) {
    const { success } = Condition.safeParse({ ...whole, attribute: '$now' })
    expect({ op: whole.op, success }).toEqual({ op: whole.op, success: timed.has(whole.op) })
  }
})

test.each([
  { attribute: 'a', op: 'like', value: 'x' },
  { attribute: 'a', op: 'between', values: [1] },
  { attribute: 'a', op: 'within', values: [at, at, at] },
  { attribute: 'a', op: 'before', value: 'tomorrow' },
  { attribute: 'a', op: 'timeOfDayIn', values: ['24:00', '06:00'] },
  { attribute: 'a', op: 'weekdayIn', values: ['Monday'] },
  { attribute: 'a', op: 'isType', values: ['null'] },
  { attribute: 'a', op: 'matches', value: 'x'.repeat(257) },
  { attribute: 'a', op: 'sizeEq', value: -1 },
  { attribute: 'a', op: 'startsWith', values: [''] },
  { segment: 'no spaces' },
  { segment: 'a', flag: 'b', variants: ['on'] },
  { flag: 'a' },
  { flag: 'a', variants: [] },
  { attribute: 'a', op: 'gt', value: '5' },
  { attribute: 'a', op: 'in', values: [] },
  { attribute: '', op: 'eq', value: 1 },
  { ...leaf, extra: true },
  { all: [leaf], any: [leaf] },
])('%j is no condition', (condition) => {
  expect(Condition.safeParse(condition).success).toBe(false)
})

test('the depth of JSON is counted without recursion, and no further than asked', () => {
  expect(jsonDepth(1, 80)).toBe(1)
  expect(jsonDepth({ a: [{ b: 1 }] }, 80)).toBe(4)
  expect(jsonDepth(JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)), 80)).toBe(81)
})
