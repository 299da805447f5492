import { expect, test } from 'vitest'
import { compilePattern } from '../pattern/pattern.ts'
import { bucketOf } from './bucketing.ts'
import { baseFlag, caseBody, cases } from './cases.ts'
import { evaluate } from './evaluate.ts'
import { explain } from './explain.ts'
import type { EvaluationContext } from './model.ts'
import { formatLine, loadSnapshot } from './snapshot.ts'

function traceOf(change: object, context: EvaluationContext) {
  const body = formatLine('flag', 'f', JSON.stringify({ ...baseFlag, ...change }))
  return explain(loadSnapshot(body), 'f', context, 0).trace
}

const country = { attribute: 'country', op: 'in', values: ['AT', 'CH'] }
const age = { attribute: 'user.age', op: 'gt', value: 17 }
const serve = { variant: 'on' }
const half = {
  split: {
    by: 'targetingKey',
    weights: [
      { variant: 'on', weight: 50_000 },
      { variant: 'off', weight: 50_000 },
    ],
  },
}

test('the decision is that of evaluate in every case', () => {
  for (const row of cases) {
    const snapshot = loadSnapshot(caseBody(row), { compilePattern })
    const { decision, trace } = explain(snapshot, row.key, row.context, row.now)
    expect(decision, row.name).toEqual(evaluate(snapshot, row.key, row.context, row.now))
    expect(trace.length, row.name).toBeGreaterThan(0)
  }
})

test('an unknown flag is a trace of its own', () => {
  expect(explain(loadSnapshot(''), 'f', {}, 0).trace).toEqual([{ kind: 'unknown' }])
})

test('an unreadable flag says why', () => {
  expect(traceOf({ seed: 'x' }, {})).toEqual([{ kind: 'unreadable', details: '"seed" is not 16 hex digits' }])
})

test('a disabled flag ends at its switch', () => {
  expect(traceOf({ enabled: false }, {})).toEqual([{ kind: 'switch', enabled: false }])
})

test('a flag without targets falls through', () => {
  expect(traceOf({}, {})).toEqual([{ kind: 'switch', enabled: true }, { kind: 'fallthrough' }])
})

test('overrides are tried in order, up to the one that matches', () => {
  const overrides = [
    { attribute: 'team', values: ['t'], variant: 'on' },
    { attribute: 'targetingKey', values: ['u'], variant: 'on' },
    { attribute: 'targetingKey', values: ['v'], variant: 'on' },
  ]
  expect(traceOf({ overrides }, { targetingKey: 'u' })).toEqual([
    { kind: 'switch', enabled: true },
    { kind: 'override', index: 0, attribute: 'team', matched: false },
    { kind: 'override', index: 1, attribute: 'targetingKey', seen: 'u', matched: true },
  ])
})

test('each leaf tells the value it saw, and leaves after the outcome are not tried', () => {
  const rules = [
    { id: 'first', when: { all: [country, age] }, serve },
    { id: 'second', when: { any: [{ not: country }, age] }, serve },
  ]
  expect(traceOf({ rules }, { country: 'DE', user: { age: 30 } })).toEqual([
    { kind: 'switch', enabled: true },
    {
      kind: 'rule',
      ruleId: 'first',
      matched: false,
      when: {
        kind: 'all',
        matched: false,
        parts: [{ kind: 'leaf', matched: false, leaf: country, attribute: 'country', seen: 'DE' }],
      },
    },
    {
      kind: 'rule',
      ruleId: 'second',
      matched: true,
      when: {
        kind: 'any',
        matched: true,
        parts: [
          {
            kind: 'not',
            matched: true,
            part: { kind: 'leaf', matched: false, leaf: country, attribute: 'country', seen: 'DE' },
          },
        ],
      },
    },
  ])
})

test('a leaf on a missing attribute saw nothing', () => {
  const [, step] = traceOf({ rules: [{ id: 'r', when: age, serve }] }, { user: {} })
  expect(step).toMatchObject({ when: { kind: 'leaf', matched: false, attribute: 'user.age' } })
  expect(step).not.toHaveProperty('when.seen')
})

test('a split tells the bucket and the range it fell into', () => {
  const bucket = bucketOf('user-1', baseFlag.seed) ?? -1
  const range =
    bucket < 50_000 ? { variant: 'on', from: 0, to: 50_000 } : { variant: 'off', from: 50_000, to: 100_000 }
  expect(traceOf({ fallthrough: half }, { targetingKey: 'user-1' })).toEqual([
    { kind: 'switch', enabled: true },
    { kind: 'fallthrough' },
    { kind: 'bucket', attribute: 'targetingKey', seen: 'user-1', bucket, range },
  ])
})

test('a split without its value tells what it lacks', () => {
  expect(traceOf({ fallthrough: half }, {}).at(-1)).toEqual({
    kind: 'unbucketed',
    attribute: 'targetingKey',
    errorCode: 'TARGETING_KEY_MISSING',
  })
})
