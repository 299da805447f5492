import { expect, test } from 'vitest'
import type { AppliedFlagState } from '@halyard/shared/checks/applied-state.ts'
import { OverrideOrder } from '@halyard/shared/contract/operations.ts'
import { override } from './override.ts'

const variants = [{ key: 'on' }, { key: 'off' }]
const until = '2026-12-01T00:00:00Z'
type Overrides = AppliedFlagState['overrides']

const one = (values: Overrides[number]['values'], variant: string, more: object = {}) => ({
  attribute: 'targetingKey',
  values,
  variant,
  ...more,
})

function apply(overrides: Overrides, order: object): Overrides {
  const state = {
    enabled: true,
    offVariant: 'off',
    prerequisites: [],
    rules: [],
    fallthrough: { variant: 'off' },
  }
  return override({ ...state, overrides }, OverrideOrder.parse(order), variants).overrides
}

test('values are added to the override of their variant', () => {
  expect(apply([], { targetingKeys: ['a', 'a', 'b'], variant: 'on' })).toEqual([one(['a', 'b'], 'on')])
  expect(apply([one(['a'], 'on')], { targetingKeys: ['b'], variant: 'on' })).toEqual([one(['a', 'b'], 'on')])
  expect(apply([], { attribute: 'beta', values: [true], variant: 'on' })).toEqual([
    { ...one([true], 'on'), attribute: 'beta' },
  ])
})

test('a value is in one override of its attribute: it moves, and an empty one goes', () => {
  const before = [one(['a', 'b'], 'off'), { ...one(['a'], 'off'), attribute: 'email' }]
  expect(apply(before, { targetingKeys: ['a'], variant: 'on' })).toEqual([
    one(['b'], 'off'),
    { ...one(['a'], 'off'), attribute: 'email' },
    one(['a'], 'on'),
  ])
  expect(apply([one(['a'], 'off')], { targetingKeys: ['a'], variant: 'on' })).toEqual([one(['a'], 'on')])
})

test('an end makes an override of its own', () => {
  const before = [one(['a', 'b'], 'on')]
  const after = [one(['b'], 'on'), one(['a'], 'on', { until })]
  expect(apply(before, { targetingKeys: ['a'], variant: 'on', until })).toEqual(after)
  expect(apply(after, { targetingKeys: ['a'], variant: 'on' })).toEqual([one(['b', 'a'], 'on')])
})

test('null takes values out of every override of the attribute', () => {
  const before = [one(['a', 'b'], 'off'), one(['a'], 'on', { until }), one(['5', 5], 'on')]
  expect(apply(before, { targetingKeys: ['a', '5'], variant: null })).toEqual([
    one(['b'], 'off'),
    one([5], 'on'),
  ])
})

test('what is there already changes nothing, nor its order', () => {
  const before = [one(['a', 'b', 'c'], 'on'), one(['d'], 'off')]
  expect(apply(before, { targetingKeys: ['b', 'a'], variant: 'on' })).toEqual(before)
  expect(apply(before, { targetingKeys: ['x'], variant: null })).toEqual(before)
})

test('a full override is followed by another, and too many are refused', () => {
  const full = one(
    Array.from({ length: 1_000 }, (_, i) => `u${i}`),
    'on',
  )
  expect(apply([full], { targetingKeys: ['a'], variant: 'on' })).toEqual([full, one(['a'], 'on')])
  const many = Array.from({ length: 100 }, (_, i) => ({ ...one(['x'], 'on'), attribute: `a${i}` }))
  expect(() => apply(many, { targetingKeys: ['a'], variant: 'on' })).toThrow('a flag may have 100 overrides')
  expect(() => apply([], { targetingKeys: ['a'], variant: 'x' })).toThrow(
    'there is on, off, or null to remove',
  )
})

test.for([
  [{ variant: 'on' }, ['targetingKeys']],
  [{ variant: 'on', values: ['a'] }, ['attribute']],
  [{ variant: 'on', attribute: 'a' }, ['values']],
  [{ variant: 'on', targetingKeys: ['a'], attribute: 'a', values: ['a'] }, ['attribute', 'values']],
  [{ variant: 'on', targetingKeys: [] }, ['targetingKeys']],
  [{ targetingKeys: ['a'] }, ['variant']],
  [{ variant: null, targetingKeys: ['a'], until }, ['until']],
] as const)('%j is no override', ([order, names]) => {
  const { error } = OverrideOrder.safeParse(order)
  expect(error?.issues.map((issue) => issue.path[0])).toEqual(names)
})
