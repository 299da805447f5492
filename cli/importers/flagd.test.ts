import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Json } from '@halyard/shared/engine/model.ts'
import { makeFlagdImporter } from './flagd.ts'
import { base, isA, read, readOne, strict } from './test-kit.ts'

const demo = readFileSync(new URL('otel-demo.flagd.json', import.meta.url), 'utf8')

test('the whole file of the OpenTelemetry demo is read: 16 flags, one of them with a rule', () => {
  const plan = makeFlagdImporter(strict).read(JSON.parse(demo))
  expect(plan).toHaveLength(16)
  expect(plan.filter((flag) => flag.kind === 'refused')).toEqual([])
  const withRules = plan.filter((flag) => flag.kind === 'ready' && flag.state.rules?.length !== 0)
  expect(withRules.map((flag) => flag.key)).toEqual(['productCatalogFailure'])
})

test('the one rule of the demo is kept, although it serves what is served anyway', () => {
  const plan = makeFlagdImporter(strict).read(JSON.parse(demo))
  expect(plan.find((flag) => flag.key === 'productCatalogFailure')).toEqual({
    kind: 'ready',
    key: 'productCatalogFailure',
    notes: [],
    flag: {
      key: 'productCatalogFailure',
      valueType: 'boolean',
      clientVisible: true,
      description: 'Fail product catalog service on a specific product',
      variants: [
        { key: 'off', value: false },
        { key: 'on', value: true },
      ],
    },
    state: {
      enabled: true,
      offVariant: 'off',
      rules: [
        { when: { attribute: 'product_id', op: 'eq', value: 'OLJCESPC7Z' }, serve: { variant: 'off' } },
      ],
      fallthrough: { variant: 'off' },
    },
  })
})

test('numeric variants keep their names and values', () => {
  const plan = makeFlagdImporter(strict).read(JSON.parse(demo))
  expect(plan.find((flag) => flag.key === 'paymentFailure')).toMatchObject({
    flag: { valueType: 'number', variants: expect.arrayContaining([{ key: '90%', value: 0.95 }]) },
    state: { offVariant: 'off', fallthrough: { variant: 'off' } },
  })
  // None of its variants is named off.
  expect(plan.find((flag) => flag.key === 'loadGeneratorVUs')).toMatchObject({
    state: { enabled: true, offVariant: '5', fallthrough: { variant: '5' } },
  })
})

test('a disabled flag is switched off', () => {
  expect(readOne({ state: 'DISABLED' })).toMatchObject({ state: { enabled: false, offVariant: 'off' } })
})

test.each([
  [{ a: 'x' }, 'string'],
  [{ a: 1.5 }, 'number'],
  [{ a: true }, 'boolean'],
  [{ a: { b: 1 } }, 'json'],
  [{ a: [1], b: { c: 2 } }, 'json'],
])('variants %j make a flag of type %s', (variants, valueType) => {
  expect(readOne({ variants, defaultVariant: 'a' })).toMatchObject({ flag: { valueType } })
})

test.each<[string, object, string]>([
  [
    'mixed types',
    { variants: { off: false, on: 1 } },
    'its variants are of different types: boolean (off), number (on)',
  ],
  ['null values', { variants: { off: null } }, 'its variants are null'],
  ['no variants', { variants: {} }, 'it has no variants'],
  ['another state', { state: 'PAUSED' }, 'its state is neither ENABLED nor DISABLED'],
  ['an unknown default', { defaultVariant: 'x' }, 'its defaultVariant "x" is none of its variants'],
  ['a null default', { defaultVariant: null }, 'there is no defaultVariant'],
  ['an unknown member', { prerequisites: [] }, "it has members that are not flagd's: prerequisites"],
  ['a variant of no name', { variants: { '': true }, defaultVariant: '' }, 'variants.0.key'],
  ['a long description', { description: 'x'.repeat(2_001) }, 'description'],
])('%s is refused with its reason', (_, flag, reason) => {
  expect(readOne(flag)).toMatchObject({
    kind: 'refused',
    reasons: expect.arrayContaining([expect.stringContaining(reason)]),
  })
})

test('every reason against a flag is told at once', () => {
  const flag = { state: 'x', variants: { a: 1, b: 'c', off: 2 }, targeting: { sem_ver: [] } }
  expect(readOne(flag)).toMatchObject({ kind: 'refused', reasons: expect.objectContaining({ length: 3 }) })
})

test.each(['my/flag', '-flag', 'a b', 'x'.repeat(101)])('the key %j is refused', (key) => {
  expect(read({ [key]: base })).toMatchObject([
    { kind: 'refused', key, reasons: [expect.stringMatching(/^key: 1 to 100 of/)] },
  ])
})

test('without a default variant, targeting that always names a variant is enough', () => {
  const targeting = { if: [{ '===': [{ var: 'a' }, 1] }, 'on', 'off'] }
  expect(readOne({ defaultVariant: null, targeting })).toMatchObject({
    state: { offVariant: 'off', fallthrough: { variant: 'off' } },
  })
})

test('without a default variant and a variant off there is nothing to switch off to', () => {
  const variants = { a: 1, b: 2 }
  const targeting = { if: [{ '===': [{ var: 'a' }, 1] }, 'a', 'b'] }
  expect(readOne({ variants, defaultVariant: null, targeting })).toMatchObject({
    kind: 'refused',
    reasons: [expect.stringContaining('neither a defaultVariant nor a variant "off"')],
  })
})

test('metadata is left behind with a note', () => {
  expect(readOne({ metadata: { team: 'x' } })).toMatchObject({ notes: ['metadata is left behind'] })
})

test('more than the API takes is refused by its limit', () => {
  const many = Array.from({ length: 101 }, (_, i) => [isA(`x${i}`), 'on']).flat()
  expect(readOne({ targeting: { if: many } })).toMatchObject({
    kind: 'refused',
    reasons: [expect.stringContaining('rules')],
  })
})

test('a flag that is nested without end is refused', () => {
  const text = `{"flags":{"deep":{"targeting":${'['.repeat(5_000)}${']'.repeat(5_000)}}}}`
  expect(makeFlagdImporter(strict).read(JSON.parse(text))).toMatchObject([
    { kind: 'refused', reasons: [expect.stringContaining('nested')] },
  ])
})

test.each<[Json]>([[''], [null], [[]], [{ flags: [] }], [{}]])('%j is no file of flagd', (document) => {
  expect(() => makeFlagdImporter(strict).read(document)).toThrow(expect.objectContaining({ exitCode: 2 }))
})
