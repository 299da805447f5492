import { expect, test } from 'vitest'
import type { Step } from '../engine/explain.ts'
import type { Decision } from '../engine/model.ts'
import { describeTrace } from './describe-trace.ts'

const decision: Decision = { key: 'f', value: true, variant: 'on', reason: 'SPLIT', metadata: {} }
const user = { attribute: 'targetingKey', seen: 'u' } as const
const leaf = (attribute: string, op: string, rest: object) => ({ attribute, op, ...rest })

function words(...steps: Step[]): string[] {
  return describeTrace(steps, decision, new Map([['r1', 'canada-premium']])).slice(0, -1)
}

function ruleWords(when: Extract<Step, { kind: 'rule' }>['when']): string | undefined {
  return words({ kind: 'rule', ruleId: 'r1', matched: when.matched, when })[0]
}

const notCanada = {
  kind: 'leaf',
  matched: false,
  leaf: leaf('country', 'in', { values: ['CA'] }),
  attribute: 'country',
  seen: 'DE',
} as const
const isPro = {
  kind: 'leaf',
  matched: true,
  leaf: leaf('plan', 'eq', { value: 'pro' }),
  attribute: 'plan',
  seen: 'pro',
} as const

test('a rule says what it saw and what it wanted, by its number and name', () => {
  const all = { kind: 'all', matched: false, parts: [isPro, notCanada] } as const
  const rule = { kind: 'rule', matched: false, when: all } as const
  expect(words({ ...rule, ruleId: 'r0' }, { ...rule, ruleId: 'r1' })).toEqual([
    'rule 1 `r0` did not match: `country` was "DE", wanted one of CA',
    'rule 2 `canada-premium` did not match: `country` was "DE", wanted one of CA',
  ])
  expect(ruleWords({ kind: 'all', matched: true, parts: [isPro] })).toBe(
    'rule 1 `canada-premium` matched: `plan` was "pro"',
  )
  expect(ruleWords({ kind: 'all', matched: true, parts: [] })).toBe('rule 1 `canada-premium` matched')
})

test('a bucket says the range that it fell into', () => {
  const range = { variant: 'on', from: 0, to: 50_000 }
  expect(words({ kind: 'bucket', bucket: 41_207, range, ...user })).toEqual([
    '`targetingKey` was "u": bucket 41,207 of 100,000 fell into `on` [0, 50,000)',
  ])
  expect(
    words({ kind: 'unbucketed', errorCode: 'TARGETING_KEY_MISSING', attribute: 'targetingKey' }),
  ).toEqual(['no bucket: `targetingKey` was missing (TARGETING_KEY_MISSING)'])
})

test('samples, slots and ramps tell where the bucket is', () => {
  const slot = { kind: 'slot', layer: 'l', slot: 's', range: { from: 0, to: 10_000 }, ...user } as const
  expect(
    words(
      { kind: 'sample', ruleId: 'r1', taken: false, share: 20_000, bucket: 33_000, ...user },
      { ...slot, taken: true, bucket: 12 },
      { ...slot, taken: false, bucket: 10_000 },
      { kind: 'ramp', share: 0 },
      { kind: 'ramp', at: Date.parse('2026-11-20T12:00:00Z'), share: 5_000 },
    ),
  ).toEqual([
    '`targetingKey` was "u": bucket 33,000 of 100,000 is outside the sample of rule 0 `canada-premium` [0, 20,000)',
    '`targetingKey` was "u": bucket 12 of 100,000 is in slot `s` of layer `l` [0, 10,000)',
    '`targetingKey` was "u": bucket 10,000 of 100,000 is outside slot `s` of layer `l` [0, 10,000)',
    'the ramp has not begun: 0 %',
    'the ramp is at 5 % since 2026-11-20 12:00 UTC',
  ])
})

test('prerequisites, expiry, overrides and faults have words', () => {
  const base = { kind: 'prerequisite', flag: 'base', variants: ['on', 'beta'] } as const
  expect(
    words(
      { ...base, met: true, variant: 'on', reason: 'STATIC' },
      { ...base, met: false, variant: 'on', reason: 'DISABLED' },
      { ...base, met: false },
      { ...base, met: false, reason: 'ERROR', errorCode: 'PARSE_ERROR' },
      { kind: 'expiry', at: 0, expired: true },
      { kind: 'override', index: 0, matched: true, ...user },
      { kind: 'override', index: 1, matched: false, attribute: 'email' },
      { kind: 'override', index: 2, matched: false, expired: true, ...user },
      { kind: 'fault', errorCode: 'GENERAL', details: 'no blob' },
      { kind: 'switch', enabled: false },
      { kind: 'unknown' },
      { kind: 'unreadable', details: 'x' },
    ),
  ).toEqual([
    'prerequisite `base` gave "on"',
    'prerequisite `base` gave "on" (DISABLED), wanted "on" or "beta": the flag is off',
    'prerequisite `base` gave nothing, wanted "on" or "beta": the flag is off',
    'prerequisite `base` gave the error PARSE_ERROR, wanted "on" or "beta": the flag is off',
    'the flag expired at 1970-01-01',
    'override 1 matched: `targetingKey` was "u"',
    'override 2 did not match: `email` was missing',
    'override 3 is over',
    'this cannot be decided: no blob (GENERAL)',
    'the flag is switched off',
    'there is no such flag',
    'the flag cannot be read: x',
  ])
})

const staff = { kind: 'segment', matched: false, segment: 'staff', because: 'none', ...user } as const

test('the parts that decided are told, and no others', () => {
  const any = { kind: 'any', matched: false, parts: [notCanada, staff] } as const
  expect(ruleWords(any)).toBe(
    'rule 1 `canada-premium` did not match: `country` was "DE", wanted one of CA; `targetingKey` was "u", not in segment `staff`',
  )
  expect(ruleWords({ kind: 'any', matched: true, parts: [notCanada, isPro] })).toBe(
    'rule 1 `canada-premium` matched: `plan` was "pro"',
  )
  expect(ruleWords({ kind: 'not', matched: false, part: isPro })).toBe(
    'rule 1 `canada-premium` did not match: what it excludes applies (`plan` was "pro")',
  )
  expect(ruleWords({ kind: 'not', matched: true, part: staff })).toBe(
    'rule 1 `canada-premium` matched: `targetingKey` was "u", not in segment `staff`',
  )
})

test.for([
  ['excluded', '`targetingKey` was "u", excluded from segment `staff`'],
  ['included', '`targetingKey` was "u", included in segment `staff`'],
  ['member', '`targetingKey` was "u", a member of segment `staff`'],
  ['tree', 'matches segment `staff` (`plan` was "pro")'],
] as const)('a segment says why: %s', ([because, said]) => {
  const when = because === 'tree' ? { when: isPro } : {}
  expect(ruleWords({ ...staff, matched: true, because, ...when })).toBe(
    `rule 1 \`canada-premium\` matched: ${said}`,
  )
})

test('a fault is told in place of what it kept from being decided', () => {
  const faulty = { ...staff, because: 'fault', fault: 'no blob' } as const
  expect(
    ruleWords({ kind: 'all', matched: false, parts: [isPro, { kind: 'not', matched: false, part: faulty }] }),
  ).toBe('rule 1 `canada-premium` did not match: segment `staff` cannot be decided: no blob')
  expect(ruleWords({ kind: 'any', matched: false, parts: [notCanada, faulty] })).toBe(
    'rule 1 `canada-premium` did not match: segment `staff` cannot be decided: no blob',
  )
})

test('values that could be taken for something else keep their quotation marks', () => {
  const values = ['CA', '5', 5, 'true', 'a b', '']
  const missing = { kind: 'leaf', matched: false, attribute: 'x', leaf: leaf('x', 'in', { values }) } as const
  expect(ruleWords(missing)).toContain('`x` was missing, wanted one of CA, "5", 5, "true", "a b", ""')
  const negated = { ...notCanada, leaf: { ...notCanada.leaf, negate: true } }
  expect(ruleWords(negated)).toContain('wanted a value, but not one of CA')
})

test('the last line is the decision', () => {
  expect(describeTrace([], decision, new Map())).toEqual(['serves "on" = true (SPLIT)'])
  const error = {
    key: 'f',
    reason: 'ERROR',
    errorCode: 'GENERAL',
    errorDetails: 'why',
    metadata: {},
  } as const
  expect(describeTrace([], error, new Map())).toEqual(['error GENERAL: callers get their default (why)'])
})
