import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluate } from '@halyard/shared/engine/evaluate.ts'
import type { Condition } from '@halyard/shared/contract/condition.ts'
import { loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { compilePattern } from '@halyard/shared/pattern/pattern.ts'
import type { HistoryRow } from '../ports.ts'
import { compile } from './compile.ts'
import { sampleContexts } from './sample-contexts.ts'
import { sampleHash } from './sample.ts'
import { everything, flag, layered, segment, stateWith } from './test-history.ts'

const nowMs = Date.parse('2026-11-20T12:00:00Z')
const hashOf = async (rows: readonly HistoryRow[], at = nowMs) =>
  await sampleHash(await compile('env_1', { epoch: 1, version: 7 }, rows), at)

test('the same history gives the same samples and decisions, in whatever order it is read', async () => {
  const contexts = sampleContexts(everything)
  const hash = await hashOf(everything)
  expect(contexts).toHaveLength(16)
  expect(contexts[0]).toEqual({})
  expect(hash).toMatch(/^\d+-[0-9a-f]{64}$/)
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray([...everything], { minLength: everything.length }), async (rows) => {
      expect(sampleContexts(structuredClone(rows))).toEqual(contexts)
      expect(await hashOf(structuredClone(rows))).toBe(hash)
    }),
    { numRuns: 10 },
  )
})

test.for<[string, Condition]>([
  ['eq', { attribute: 'plan', op: 'eq', value: 'pro' }],
  ['in', { attribute: 'user.plan', op: 'in', values: ['pro', 'team'] }],
  ['endsWith', { attribute: 'mail', op: 'endsWith', values: ['@example.com'] }],
  ['gte', { attribute: 'age', op: 'gte', value: 18 }],
  ['between', { attribute: 'age', op: 'between', values: [18, 30] }],
  ['semverGte', { attribute: 'app', op: 'semverGte', value: '1.2.3' }],
  ['before', { attribute: 'signup', op: 'before', value: '2026-11-20T12:00:00Z', negate: true }],
  ['hasAny', { attribute: 'roles', op: 'hasAny', values: ['admin'] }],
  ['inCidr', { attribute: 'edge.ip', op: 'inCidr', values: ['10.0.0.0/8'] }],
  ['a list of a segment', { segment: 's' }],
  ['an own name', { attribute: '__proto__.x', op: 'eq', value: 1 }],
])('a comparison by %s is met by some sample and missed by another', async ([, when]) => {
  const rows = [flag('f', { state: stateWith(when) }), segment('s', { attribute: 'id', include: ['member'] })]
  const { body, samples } = await compile('env_1', { epoch: 1, version: 1 }, rows)
  const snapshot = loadSnapshot(body, { compilePattern })
  const variants = samples.map((context) => {
    const decision = evaluate(snapshot, 'f', context, nowMs)
    return 'variant' in decision ? decision.variant : decision.errorCode
  })
  expect(new Set(variants)).toEqual(new Set(['on', 'off']))
})

test('a decision that becomes another gives another hash, and the moment counts', async () => {
  const when = { attribute: 'plan', op: 'eq', value: 'pro' } as const
  const state = stateWith(when)
  const hash = await hashOf([flag('f', { state })])
  const others = [
    { ...state, enabled: false },
    { ...state, fallthrough: { variant: 'on' } },
    { ...state, rules: state.rules.map((rule) => ({ ...rule, serve: { variant: 'off' } })) },
    { ...state, rules: state.rules.map((rule) => ({ ...rule, when: { ...when, negate: true } })) },
  ]
  for (const other of others) expect(await hashOf([flag('f', { state: other })])).not.toBe(hash)
  const expiring = [flag('f', { expiry: { at: '2026-12-01T00:00:00Z', variant: 'off' } })]
  expect(await hashOf(expiring)).not.toBe(await hashOf(expiring, Date.parse('2026-12-02T00:00:00Z')))
  const values = [
    { key: 'on', value: { a: 1, b: 2 } },
    { key: 'off', value: null },
  ]
  const reordered = [{ key: 'on', value: { b: 2, a: 1 } }, ...values.slice(1)]
  const json = { valueType: 'json' as const, state: layered }
  const inLayer = (variants: typeof values) => [
    flag('f', { ...json, state: { ...layered, fallthrough: { variant: 'on' } }, variants }),
  ]
  expect(await hashOf(inLayer(values))).toBe(await hashOf(inLayer(reordered)))
})

test('other bytes that decide alike have the same hash', async () => {
  const rows = [flag('f', { state: stateWith({ attribute: 'plan', op: 'eq', value: 'pro' }) })]
  const { body, samples } = await compile('env_1', { epoch: 1, version: 1 }, rows)
  const other = body.replace('"op":"eq","value":"pro"', '"op":"in","values":["pro"]')
  expect(other).not.toBe(body)
  expect(await sampleHash({ body: other, samples }, nowMs)).toBe(await sampleHash({ body, samples }, nowMs))
})
