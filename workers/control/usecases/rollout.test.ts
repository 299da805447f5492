import { expect, test } from 'vitest'
import type { AppliedFlagState } from '@halyard/shared/checks/applied-state.ts'
import { Rollout } from '@halyard/shared/contract/operations.ts'
import type { Serve } from '@halyard/shared/contract/serve.ts'
import { ProblemError } from '../problem.ts'
import { movedBuckets } from './moved-buckets.ts'
import { rollOut } from './rollout.ts'

const nowMs = Date.parse('2026-11-20T12:00:00.500Z')
const two = [{ key: 'on' }, { key: 'off' }]
const three = [...two, { key: 'beta' }]
const state: AppliedFlagState = {
  enabled: true,
  offVariant: 'off',
  prerequisites: [],
  overrides: [],
  rules: [
    { id: 'r1', name: 'Canada', when: { all: [] }, serve: { variant: 'off' } },
    { id: 'r2', name: 'Twice', when: { all: [] }, serve: { variant: 'off' } },
    { id: 'r3', name: 'Twice', when: { all: [] }, serve: { variant: 'off' } },
  ],
  fallthrough: { variant: 'off' },
}
const split = (weights: [string, number][], more: object = {}): Serve => ({
  split: { by: 'targetingKey', weights: weights.map(([variant, weight]) => ({ variant, weight })), ...more },
})

function roll(order: object, before: Serve = state.fallthrough, variants = two): Serve {
  return rollOut({ ...state, fallthrough: before }, Rollout.parse(order), { variants, nowMs }).fallthrough
}

function refusal(order: object, before?: Serve, variants?: typeof two): string {
  try {
    roll(order, before, variants)
  } catch (error) {
    if (error instanceof ProblemError) return error.message
    throw error
  }
  return 'not refused'
}

test('a percentage serves the variant to that share, exactly, and the other to the rest', () => {
  expect(roll({ variant: 'on', percent: 5 })).toEqual(
    split([
      ['on', 5_000],
      ['off', 95_000],
    ]),
  )
  expect(roll({ variant: 'on', percent: 0.001, by: 'account' })).toEqual(
    split(
      [
        ['on', 1],
        ['off', 99_999],
      ],
      { by: 'account' },
    ),
  )
  expect(Rollout.safeParse({ variant: 'on', percent: 0.0001 }).success).toBe(false)
})

test('a widening is a ramp from now on, one step a day', () => {
  expect(roll({ variant: 'on', percent: 5, widenTo: 50, over: '3d' })).toEqual({
    ramp: {
      by: 'targetingKey',
      from: 'off',
      to: 'on',
      steps: [
        { at: '2026-11-20T12:00:00Z', share: 5_000 },
        { at: '2026-11-21T12:00:00Z', share: 20_000 },
        { at: '2026-11-22T12:00:00Z', share: 35_000 },
        { at: '2026-11-23T12:00:00Z', share: 50_000 },
      ],
    },
  })
})

test.for([
  ['36h', undefined, 3],
  ['1d', undefined, 3],
  ['5m', undefined, 3],
  ['2w', undefined, 15],
  ['999d', undefined, 50],
  ['7d', 1, 2],
  ['7d', 49, 50],
] as const)('a widening over %s in %s steps has %i moments', ([over, steps, moments]) => {
  const serve = roll({ variant: 'on', percent: 0, widenTo: 100, over, ...(steps && { steps }) })
  expect('ramp' in serve && serve.ramp.steps.length).toBe(moments)
  expect('ramp' in serve && serve.ramp.steps.at(-1)?.share).toBe(100_000)
})

test('a rule is meant by its id or its name, and keeps the rest', () => {
  for (const rule of ['r1', 'Canada']) {
    const after = rollOut(state, { variant: 'on', percent: 5, rule }, { variants: two, nowMs })
    expect(after.rules[0]).toEqual({
      ...state.rules[0],
      serve: split([
        ['on', 5_000],
        ['off', 95_000],
      ]),
    })
    expect({ ...after, rules: after.rules.slice(1) }).toEqual({ ...state, rules: state.rules.slice(1) })
  }
})

test('widening only adds contexts, whichever side the variant has', () => {
  const sides: Serve[] = [
    split([
      ['on', 10_000],
      ['off', 90_000],
    ]),
    split([
      ['off', 90_000],
      ['on', 10_000],
    ]),
    { ramp: { by: 'targetingKey', from: 'off', to: 'on', steps: [{ at: 0, share: 10_000 }] } },
    { ramp: { by: 'targetingKey', from: 'on', to: 'off', steps: [{ at: 0, share: 90_000 }] } },
  ]
  const later = Date.parse('2026-12-24T00:00:00Z')
  const orders = [
    { percent: 25 },
    { percent: 10, widenTo: 25, over: '1d' },
    { ramp: [{ at: '2026-11-21T00:00:00Z', percent: 25 }] },
  ]
  for (const before of sides) {
    for (const order of orders) {
      const after = roll({ variant: 'on', ...order }, before)
      expect(movedBuckets(before, after, later)).toEqual({ moved: 15_000, needed: 15_000 })
      if (!('percent' in order && !order.widenTo))
        expect(movedBuckets(before, after, nowMs)).toEqual({ moved: 0, needed: 0 })
    }
  }
})

test('what it is bucketed by and the slot stay, unless something else is said', () => {
  const layer = { key: 'l', slot: 's' }
  const before = split(
    [
      ['on', 10_000],
      ['off', 90_000],
    ],
    { by: 'account', layer, outside: 'off' },
  )
  expect(roll({ variant: 'on', percent: 20 }, before)).toEqual(
    split(
      [
        ['on', 20_000],
        ['off', 80_000],
      ],
      { by: 'account', layer, outside: 'off' },
    ),
  )
  expect(roll({ variant: 'on', percent: 20, by: 'email' }, before)).toMatchObject({ split: { by: 'email' } })
  expect(refusal({ variant: 'on', percent: 5, widenTo: 9, over: '1d' }, before)).toContain(
    'slot "s" of layer "l"',
  )
})

test('bucketed by something else it begins anew: the variant has the first buckets', () => {
  const before = split([
    ['off', 90_000],
    ['on', 10_000],
  ])
  const after = roll({ variant: 'on', percent: 20, by: 'email' }, before)
  expect(after).toMatchObject({ split: { weights: [{ variant: 'on' }, { variant: 'off' }] } })
})

test('steps of your own are taken as they are', () => {
  const ramp = [
    { at: '2026-12-01T09:00:00+01:00', percent: 10 },
    { at: Date.parse('2026-12-02T00:00:00Z'), percent: 5 },
  ]
  expect(roll({ variant: 'on', ramp })).toMatchObject({
    ramp: {
      steps: [
        { at: '2026-12-01T09:00:00+01:00', share: 10_000 },
        { at: Date.parse('2026-12-02T00:00:00Z'), share: 5_000 },
      ],
    },
  })
})

test.for<[string, object, string]>([
  ['an unknown variant', { variant: 'x', percent: 5 }, '/variant: there is no variant "x"; there is on, off'],
  ['an unknown other', { variant: 'on', otherwise: 'x', percent: 5 }, '/otherwise: there is no variant "x"'],
  ['itself', { variant: 'on', otherwise: 'on', percent: 5 }, '/otherwise: is the variant itself'],
  ['an unknown rule', { variant: 'on', percent: 5, rule: 'x' }, 'there is "Canada" (r1)'],
  ['an ambiguous rule', { variant: 'on', percent: 5, rule: 'Twice' }, 'give the id, one of r2, r3'],
  [
    'steps out of order',
    { variant: 'on', ramp: [1, 1].map((at) => ({ at, percent: 5 })) },
    '/ramp/1/at: must be later',
  ],
])('%s is refused, and what is allowed is named', ([, order, message]) => {
  expect(refusal(order)).toContain(message)
})

test('of three variants the off variant gets the rest, unless it is the one', () => {
  expect(roll({ variant: 'beta', percent: 5 }, undefined, three)).toEqual(
    split([
      ['beta', 5_000],
      ['off', 95_000],
    ]),
  )
  expect(refusal({ variant: 'off', percent: 5 }, undefined, three)).toContain('/otherwise: is required')
  expect(refusal({ variant: 'on', percent: 5 }, undefined, [{ key: 'on' }])).toContain(
    "the flag's only variant",
  )
})

test('a split that serves a third variant is not narrowed to two, unless it is said what the others get', () => {
  const before = split([
    ['on', 20_000],
    ['beta', 30_000],
    ['off', 50_000],
  ])
  const why = refusal({ variant: 'on', percent: 25 }, before, three)
  expect(why).toContain('/otherwise: is required: it serves "on", "beta", "off" now')
  expect(why).toContain('the contexts of "beta" would move')
  expect(why).toContain('(beta, off)')
  const other = split([
    ['beta', 50_000],
    ['off', 50_000],
  ])
  expect(refusal({ variant: 'on', percent: 25, widenTo: 50, over: '1d' }, other, three)).toContain('"beta"')
  expect(roll({ variant: 'on', otherwise: 'off', percent: 25 }, before, three)).toEqual(
    split([
      ['on', 25_000],
      ['off', 75_000],
    ]),
  )
  const unserved = split([
    ['on', 20_000],
    ['off', 80_000],
    ['beta', 0],
  ])
  expect(refusal({ variant: 'on', percent: 25 }, unserved, three)).toBe('not refused')
})

test.for([
  [{}, 'percent'],
  [{ percent: 5, widenTo: 10 }, 'over'],
  [{ percent: 5, over: '7d' }, 'widenTo'],
  [{ percent: 5, steps: 3 }, 'steps'],
  [{ percent: 5, widenTo: 5, over: '7d' }, 'widenTo'],
  [{ percent: 5, widenTo: 9, over: '7 days' }, 'over'],
  [{ percent: 101 }, 'percent'],
  [{ percent: 5, ramp: [{ at: 0, percent: 5 }] }, 'percent'],
] as const)('%j is no rollout: %s', ([order, name]) => {
  const { error } = Rollout.safeParse({ variant: 'on', ...order })
  expect(error?.issues.map((issue) => issue.path[0])).toEqual([name])
})
