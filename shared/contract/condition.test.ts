import { expect, expectTypeOf, test } from 'vitest'
import type * as engine from '../engine/model.ts'
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

test.each([
  { attribute: 'a', op: 'like', value: 'x' },
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
