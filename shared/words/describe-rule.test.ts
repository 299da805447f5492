import { expect, test } from 'vitest'
import type { Condition, Leaf, Operator, Serve } from '../engine/model.ts'
import { describeCondition } from './describe-condition.ts'
import { describeFallthrough, describeRule } from './describe-rule.ts'

const on: Serve = { variant: 'on' }
const split = (...weights: [string, number][]): Serve => ({
  split: { by: 'targetingKey', weights: weights.map(([variant, weight]) => ({ variant, weight })) },
})
const ramp = (...steps: [string, number][]): Serve => ({
  ramp: { by: 'targetingKey', from: 'off', to: 'on', steps: steps.map(([at, share]) => ({ at, share })) },
})
const canada: Leaf = { attribute: 'country', op: 'in', values: ['CA'] }
const premium: Leaf = { attribute: 'plan', op: 'eq', value: 'premium' }
const modern: Leaf = { attribute: 'appVersion', op: 'semverGte', value: '2.4' }

test('a rule reads back as one plain sentence', () => {
  const steps: [string, number][] = [
    ['2026-11-20T00:00:00Z', 5_000],
    ['2026-11-24T00:00:00Z', 20_000],
    ['2026-11-27T00:00:00Z', 50_000],
  ]
  expect(describeRule({ when: { all: [canada, premium, modern] }, serve: ramp(...steps) })).toBe(
    'If country is one of "CA" and plan is "premium" and appVersion is at least 2.4 (version): serves "on" to 5 % ' +
      'by targetingKey from 2026-11-20 on, widening to 50 % by 2026-11-27 in 2 steps; the rest get "off".',
  )
})

const leaves: Record<Operator, [Omit<Leaf, 'attribute' | 'op'>, string]> = {
  eq: [{ value: 'x' }, '"x"'],
  in: [{ values: ['x', 5, '5'] }, 'one of "x", 5, "5"'],
  contains: [{ values: ['x', 'y'] }, 'a text containing "x" or "y"'],
  startsWith: [{ values: ['x'] }, 'a text starting with "x"'],
  endsWith: [{ values: ['x', 'y', 'z'] }, 'a text ending with "x", "y" or "z"'],
  matches: [{ value: '^a+$' }, 'a text matching "^a+$"'],
  gt: [{ value: 5 }, 'more than 5'],
  gte: [{ value: 5 }, 'at least 5'],
  lt: [{ value: 5 }, 'less than 5'],
  lte: [{ value: 5 }, 'at most 5'],
  between: [{ values: [1, 5] }, 'between 1 and 5'],
  modulo: [{ values: [10, 3] }, 'a number that divided by 10 leaves 3'],
  semverEq: [{ value: '1.2' }, '1.2 (version)'],
  semverGt: [{ value: '1.2' }, 'later than 1.2 (version)'],
  semverGte: [{ value: '1.2' }, 'at least 1.2 (version)'],
  semverLt: [{ value: '1.2' }, 'earlier than 1.2 (version)'],
  semverLte: [{ value: '1.2' }, 'at most 1.2 (version)'],
  semverRange: [{ value: '^1.2' }, 'in the range ^1.2 (version)'],
  before: [{ value: '2026-11-20T12:30:00+01:00' }, 'before 2026-11-20 11:30 UTC'],
  after: [{ value: 0 }, 'after 1970-01-01'],
  within: [
    { values: ['2026-01-01T00:00:00Z', '2026-02-01T00:00:05Z'] },
    'from 2026-01-01 until before 2026-02-01 00:00:05 UTC',
  ],
  weekdayIn: [
    { values: ['monday', 'friday'], zone: 'Europe/Berlin' },
    'on a monday or friday (Europe/Berlin)',
  ],
  timeOfDayIn: [{ values: ['09:00', '17:00'] }, "from 09:00 until before 17:00 o'clock (UTC)"],
  hasAny: [{ values: ['x', 'y'] }, 'a list with "x" or "y"'],
  hasAll: [{ values: ['x', 'y'] }, 'a list with "x" and "y"'],
  hasNone: [{ values: ['x', 'y'] }, 'a list without "x" or "y"'],
  sizeEq: [{ value: 1 }, 'a list of 1 item'],
  sizeGt: [{ value: 2 }, 'a list of more than 2 items'],
  sizeLt: [{ value: 2 }, 'a list of less than 2 items'],
  inCidr: [{ values: ['10.0.0.0/8', '::1'] }, 'an address in 10.0.0.0/8 or ::1'],
  exists: [{}, 'given'],
  isType: [{ values: ['string', 'list'] }, 'of type string or list'],
}

test.for(Object.entries(leaves))('%s has words, for its opposite too', ([op, [operand, wanted]]) => {
  const leaf = { attribute: 'a', op: op as Operator, ...operand } // the names of this very table
  expect(describeCondition(leaf)).toBe(`a is ${wanted}`)
  const opposite = op === 'exists' ? 'a is not given' : `a is given, but not ${wanted}`
  expect(describeCondition({ ...leaf, negate: true })).toBe(opposite)
})

test.for<[string, Condition]>([
  ['(a is 1 or b is 2) and c is 3', { all: [{ any: [eq('a', 1), eq('b', 2)] }, eq('c', 3)] }],
  ['(a is 1 and b is 2) or c is 3', { any: [{ all: [eq('a', 1), eq('b', 2)] }, { all: [eq('c', 3)] }] }],
  ['not (a is 1 or b is 2)', { not: { any: [eq('a', 1), eq('b', 2)] } }],
  ['the context is in segment "staff"', { segment: 'staff' }],
  ['the context is not in segment "staff"', { not: { segment: 'staff' } }],
  ['flag "base" gives "on" or "beta"', { flag: 'base', variants: ['on', 'beta'] }],
  ['the time is before 2026-11-20', { attribute: '$now', op: 'before', value: '2026-11-20T00:00:00Z' }],
  ['a is "x" (ignoring case)', { ...eq('a', 'x'), ignoreCase: true }],
  ['a is 1 and never', { all: [eq('a', 1), { any: [] }] }],
])('%s', ([words, condition]) => {
  expect(describeCondition(condition)).toBe(words)
})

test('of a long list ten are shown, and how many more there are', () => {
  const values = Array.from({ length: 1_000 }, (_, i) => i)
  expect(describeCondition({ attribute: 'a', op: 'in', values })).toBe(
    'a is one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 or 990 more',
  )
})

test('a rule for all, for a sample and in a slot says so', () => {
  expect(describeRule({ when: { all: [] }, serve: on })).toBe('For every context: serves "on".')
  expect(describeRule({ when: { any: [] }, serve: on })).toBe('For no context: serves "on".')
  const sample = { by: 'account', share: 12_500 }
  const serve: Serve = {
    split: {
      by: 'account',
      weights: [
        { variant: 'a', weight: 20_000 },
        { variant: 'b', weight: 30_000 },
        { variant: 'c', weight: 50_000 },
      ],
      layer: { key: 'checkout', slot: 'first' },
    },
  }
  expect(describeRule({ when: canada, sample, serve })).toBe(
    'If country is one of "CA", in a sample of 12.5 % by account, in slot "first" of layer "checkout": ' +
      'serves "a" to 20 %, "b" to 30 % and "c" to 50 % by account.',
  )
})

const serveInSlot: Serve = {
  split: {
    by: 'targetingKey',
    weights: [
      { variant: 'on', weight: 1_001 },
      { variant: 'off', weight: 98_999 },
    ],
    layer: { key: 'l', slot: 's' },
    outside: 'off',
  },
}

test('a fallthrough reads back with what those outside its slot get', () => {
  expect(describeFallthrough(on)).toBe('Otherwise: serves "on".')
  expect(describeFallthrough(split(['on', 100_000], ['off', 0]))).toBe(
    'Otherwise: serves "on" to 100 % by targetingKey.',
  )
  expect(describeFallthrough(serveInSlot)).toBe(
    'Otherwise, in slot "s" of layer "l": serves "on" to 1.001 % by targetingKey; the rest get "off"; outside it "off".',
  )
})

test('a ramp that comes back to where it begins neither widens nor narrows', () => {
  const steps: [string, number][] = [5_000, 50_000, 5_000].map((share, day) => [
    `2026-11-2${day}T00:00:00Z`,
    share,
  ])
  expect(describeFallthrough(ramp(...steps))).toContain('on, changing to 5 % by 2026-11-22 in 2 steps')
})

test('a ramp says where it begins, and whether it narrows', () => {
  expect(describeFallthrough(ramp(['2026-11-20T12:00:00Z', 5_000]))).toBe(
    'Otherwise: serves "on" to 5 % by targetingKey from 2026-11-20 12:00 UTC on; the rest get "off".',
  )
  expect(describeFallthrough(ramp(['2026-11-20T00:00:00Z', 5_000], ['2026-11-21T00:00:00Z', 0]))).toContain(
    ', narrowing to 0 % by 2026-11-21; the rest',
  )
})

function eq(attribute: string, value: string | number): Leaf {
  return { attribute, op: 'eq', value }
}
