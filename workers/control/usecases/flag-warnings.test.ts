import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketCount, type Condition, type Serve } from '@halyard/shared/engine/model.ts'
import { firstWarnings, flagWarnings, type Targeting } from './flag-warnings.ts'
import { movedBuckets } from './moved-buckets.ts'

const now = Date.parse('2026-11-20T12:00:00Z')
const yesterday = '2026-11-19T12:00:00Z'
const tomorrow = '2026-11-21T12:00:00Z'
const canada: Condition = { attribute: 'country', op: 'eq', value: 'CA' }
const on: Serve = { variant: 'on' }
const seed = '0123456789abcdef'

const split = (weights: Record<string, number>, more: object = {}): Serve => ({
  split: {
    by: 'targetingKey',
    weights: Object.entries(weights).map(([variant, percent]) => ({ variant, weight: percent * 1_000 })),
    ...more,
  },
})
const ramp = (...steps: [string, number][]): Serve => ({
  ramp: {
    by: 'targetingKey',
    from: 'off',
    to: 'on',
    steps: steps.map(([at, percent]) => ({ at, share: percent * 1_000 })),
  },
})
const targeting = (changes: Partial<Targeting>): Targeting => ({
  enabled: true,
  overrides: [],
  rules: [],
  fallthrough: { variant: 'off' },
  ...changes,
})
const rule = (when: Condition, serve: Serve = on, more: object = {}) => ({ id: 'r', when, serve, ...more })

const one = (values: (string | number)[], more: object = {}) => ({
  attribute: 'targetingKey',
  values,
  variant: 'on',
  ...more,
})
const slotted = (slot: string) => split({ on: 50, off: 50 }, { layer: { key: 'l', slot } })
const sampled = (by: string) => rule(canada, on, { sample: { by, share: 20_000, seed } })
function warn(
  after: Partial<Targeting>,
  before: Partial<Targeting> | null = null,
): [string, string, string][] {
  const old = before && targeting(before)
  return flagWarnings(old, targeting(after), now).map(({ code, pointer, detail }) => [code, pointer, detail])
}
const moves = (before: Serve, after: Serve) => warn({ fallthrough: after }, { fallthrough: before })
const places = (warnings: [string, string, string][]) =>
  warnings.map(([code, pointer]) => `${code} ${pointer}`)

test('a rule after one that takes everybody is never reached', () => {
  const rules = [rule(canada), { ...rule({ all: [] }), name: 'All' }, rule(canada), rule({ segment: 's' })]
  expect(warn({ rules })).toEqual([
    ['unreachable_rule', '/rules/2', 'never reached: rule 2 "All" matches every context'],
    ['unreachable_rule', '/rules/3', 'never reached: rule 2 "All" matches every context'],
  ])
})

test.for<[string, Condition]>([
  ['any of nothing, negated', { not: { any: [] } }],
  ['all of what always matches', { all: [{ all: [] }, { not: { any: [] } }] }],
  ['any of a condition and everything', { any: [canada, { all: [] }] }],
])('%s matches every context', ([, when]) => {
  expect(places(warn({ rules: [rule(when), rule(canada)] }))).toEqual(['unreachable_rule /rules/1'])
})

test('a rule that hands contexts on is no end: a sample, a slot', () => {
  const sample = { by: 'targetingKey', share: 50_000, seed }
  const slot = split({ on: 50, off: 50 }, { layer: { key: 'l', slot: 's' } })
  expect(warn({ rules: [rule({ all: [] }, on, { sample }), rule({ all: [] }, slot), rule(canada)] })).toEqual(
    [],
  )
  const whole = { ...sample, share: bucketCount }
  expect(places(warn({ rules: [rule({ all: [] }, on, { sample: whole }), rule(canada)] }))).toEqual([
    'unreachable_rule /rules/1',
  ])
})

test('a rule with the condition of an earlier one, or that matches nobody, is told', () => {
  const same = { value: 'CA', op: 'eq', attribute: 'country' } as const
  const none = { by: 'a', share: 0, seed }
  expect(places(warn({ rules: [rule(canada), rule(same)] }))).toEqual(['unreachable_rule /rules/1'])
  expect(places(warn({ rules: [rule({ any: [] }), rule(canada, on, { sample: none })] }))).toEqual([
    'unreachable_rule /rules/0',
    'unreachable_rule /rules/1',
  ])
})

test('a value in two overrides is told, unless the first one ends', () => {
  expect(warn({ overrides: [one(['a', 'b']), one(['5', 'b']), one([5])] })).toEqual([
    [
      'repeated_override',
      '/overrides/1/values',
      'an override that comes first names one of its values already: "b" in override 1',
    ],
  ])
  expect(warn({ overrides: [one(['b'], { until: tomorrow }), one(['b'])] })).toEqual([])
  expect(warn({ overrides: [one(['b']), { ...one(['b']), attribute: 'email' }] })).toEqual([])
})

test('values in two overrides are one warning with their number and the first of them', () => {
  const values = Array.from({ length: 1_000 }, (_, i) => `user-${i}`)
  const [warning, ...others] = warn({ overrides: [one(values), one(values)] })
  expect(others).toEqual([])
  expect(warning?.[2]).toContain('names 1,000 of its values already: "user-0" in override 1, "user-1" in')
  expect(warning?.[2]).toMatch(/and 990 more$/)
})

test('an answer holds at most twenty warnings, and the number of the others', () => {
  const warnings = flagWarnings(null, targeting({ rules: Array(23).fill(rule({ any: [] })) }), now)
  expect(warnings).toHaveLength(23)
  const shown = firstWarnings(warnings)
  expect(shown.slice(0, -1)).toEqual(warnings.slice(0, 20))
  expect(shown.at(-1)).toEqual({
    code: 'more_warnings',
    pointer: '',
    detail: '3 more warnings are not shown',
  })
  expect(firstWarnings(warnings.slice(3))).toEqual(warnings.slice(3))
})

test.for<[string, Serve, Serve]>([
  ['widening a split of two', split({ on: 10, off: 90 }), split({ on: 50, off: 50 })],
  ['narrowing it', split({ on: 50, off: 50 }), split({ on: 10, off: 90 })],
  ['a variant that takes from its neighbour', split({ a: 20, b: 30, c: 50 }), split({ a: 20, b: 50, c: 30 })],
  ['a split where one variant was', { variant: 'off' }, split({ on: 10, off: 90 })],
  [
    'a ramp that begins where the split was',
    split({ on: 10, off: 90 }),
    ramp([yesterday, 10], [tomorrow, 50]),
  ],
  ['the same ranges under another form', split({ on: 10, off: 90 }), split({ on: 10, off: 90, c: 0 })],
])('%s is what was asked for: no warning', ([, before, after]) => {
  expect(moves(before, after)).toEqual([])
})

test('shifted ranges warn with the exact share that moves', () => {
  expect(moves(split({ a: 20, b: 20, c: 60 }), split({ a: 30, b: 20, c: 50 }))).toEqual([
    [
      'moves_contexts',
      '/fallthrough',
      expect.stringContaining('20 % of the contexts get another variant, where 10 %'),
    ],
  ])
  expect(moves(split({ on: 50, off: 50 }), split({ off: 50, on: 50 }))[0]?.[2]).toContain(
    '100 % of the contexts',
  )
  expect(moves(split({ off: 90, on: 10 }), split({ on: 12.345, off: 87.655 }))[0]?.[2]).toContain('22.345 %')
})

test('a ramp is compared at each of its steps', () => {
  const before = ramp([yesterday, 10], [tomorrow, 20])
  expect(moves(before, ramp([yesterday, 10], [tomorrow, 30]))).toEqual([])
  const turned: Serve = {
    ramp: { by: 'targetingKey', from: 'on', to: 'off', steps: [{ at: tomorrow, share: 90_000 }] },
  }
  expect(moves(before, turned)[0]?.[2]).toContain('30 % of the contexts')
})

test('another bucketing attribute redraws', () => {
  const [warning] = moves(split({ on: 50, off: 50 }), split({ on: 50, off: 50 }, { by: 'account' }))
  expect(warning?.[2]).toBe(
    'buckets by "account" instead of "targetingKey": about 50 % of the contexts get another variant',
  )
  expect(moves(split({ on: 100 }), split({ on: 100 }, { by: 'account' }))).toEqual([])
})

test('a ramp that first takes away what it gives back warns, if the flag serves', () => {
  const after = ramp([yesterday, 0], [tomorrow, 50])
  expect(moves(split({ on: 30, off: 70 }), after)[0]?.[2]).toContain('30 % of the contexts lose it')
  expect(warn({ fallthrough: after, enabled: false }, { fallthrough: on, enabled: false })).toEqual([])
})

test('a slot that becomes another holds others', () => {
  expect(moves(slotted('a'), slotted('b'))[0]?.[2]).toContain('slot "b" of layer "l" holds other contexts')
  expect(moves(slotted('a'), slotted('a'))).toEqual([])
})

test('rules are matched by id', () => {
  const before = { rules: [rule(canada, split({ on: 50, off: 50 }))] }
  const turned = rule(canada, split({ off: 50, on: 50 }))
  expect(places(warn({ rules: [rule({ segment: 's' }, on, { id: 'new' }), turned] }, before))).toEqual([
    'moves_contexts /rules/1/serve',
  ])
  expect(warn({ rules: [{ ...turned, id: 'other' }] }, before)).toEqual([])
})

test('a sample by another attribute draws anew', () => {
  expect(warn({ rules: [sampled('account')] }, { rules: [sampled('targetingKey')] })).toEqual([
    ['moves_contexts', '/rules/0/sample/by', expect.stringContaining('about 32 %')],
  ])
})

test('a new rule on facts of the request says where they are absent', () => {
  const rules = [rule({ not: { attribute: 'edge.country', op: 'eq', value: 'CA' } })]
  expect(warn({ rules })).toEqual([['request_facts', '/rules/0', expect.stringContaining('"edge.country"')]])
  expect(warn({ rules, fallthrough: on }, { rules })).toEqual([])
  expect(warn({ rules: [rule({ attribute: 'edges', op: 'eq', value: 1 })] })).toEqual([])
})

test.for<[string, string, Partial<Targeting>]>([
  ['an override', '/overrides/0/attribute', { overrides: [{ ...one(['CA']), attribute: 'edge.ip' }] }],
  ['a sample', '/rules/0', { rules: [sampled('edge.ip')] }],
  ['a split', '/rules/0', { rules: [rule(canada, split({ on: 50, off: 50 }, { by: 'edge.ip' }))] }],
  ['a fallthrough', '/fallthrough', { fallthrough: split({ on: 50, off: 50 }, { by: 'edge.ip' }) }],
])('%s by a fact of the request says so, once', ([, pointer, after]) => {
  const before = { fallthrough: on }
  expect(warn(after, before)).toEqual([
    ['request_facts', pointer, expect.stringContaining('reads "edge.ip"')],
  ])
  expect(warn({ ...after, rules: [...(after.rules ?? []), rule({ segment: 's' })] }, after)).toEqual([])
})

test('times that are past are told', () => {
  const over = { attribute: 'targetingKey', values: ['a'], variant: 'on', until: yesterday }
  expect(warn({ overrides: [over], fallthrough: ramp([yesterday, 50]) })).toEqual([
    ['past_time', '/overrides/0/until', 'is past: the override does nothing'],
    ['past_time', '/fallthrough/ramp/steps', 'all its steps are past: it stays at 50 % of "on"'],
  ])
  expect(warn({ overrides: [{ ...over, until: tomorrow }], fallthrough: ramp([tomorrow, 50]) })).toEqual([])
})

test('targeting that is saved as it was warns of nothing', () => {
  const rules = [rule({ all: [] }), rule(canada)]
  expect(warn({ rules, enabled: false }, { rules })).toEqual([])
})

const layout = (serve: Serve) =>
  'split' in serve
    ? serve.split.weights.flatMap(({ variant, weight }) => Array<string>(weight).fill(variant))
    : []

const weights = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 1_000 })), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts): Serve => {
    const seen = new Map(parts)
    const total = [...seen.values()].reduce((sum, part) => sum + part, 0) || 1
    const list = [...seen].map(([variant, part]) => ({
      variant,
      weight: Math.floor((part / total) * bucketCount),
    }))
    const rest = bucketCount - list.reduce((sum, { weight }) => sum + weight, 0)
    return {
      split: {
        by: 'targetingKey',
        weights: list.map((one, i) => (i === 0 ? { ...one, weight: one.weight + rest } : one)),
      },
    }
  })

test('the share that moves is the number of buckets whose variant changes', () => {
  fc.assert(
    fc.property(weights, weights, (before, after) => {
      const old = layout(before)
      const moved = layout(after).filter((variant, bucket) => variant !== old[bucket]).length
      const found = movedBuckets(before, after, now)
      expect(found.moved).toBe(moved)
      expect(found.needed).toBeLessThanOrEqual(moved)
    }),
    { numRuns: 50 },
  )
})
