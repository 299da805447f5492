import { expect, test } from 'vitest'
import type { FlagChange } from '../client/flag-client.ts'
import { createTestClient } from './create-test-client.ts'

interface Shop {
  readonly 'new-checkout': boolean
  readonly theme: 'dark' | 'light'
  readonly limit: number
  readonly limits: { readonly max: number }
}

test('a flag gives everybody the value that it was set to', () => {
  const client = createTestClient<Shop>({ 'new-checkout': true, theme: 'dark', limit: 3, limits: { max: 5 } })
  expect(client.boolean('new-checkout', false)).toBe(true)
  expect(client.string('theme', 'light')).toBe('dark')
  expect(client.number('limit', 0, { targetingKey: 'u' })).toBe(3)
  expect(client.json('limits', { max: 0 })).toEqual({ max: 5 })
  client.set('theme', 'light')
  expect(client.string('theme', 'dark')).toBe('light')
  // @ts-expect-error -- there is no such value
  client.set('theme', 'blue')
})

test('a flag that was not set gives the default, as it does where it does not exist', () => {
  const client = createTestClient()
  expect(client.booleanDetails('a', true)).toMatchObject({ value: true, errorCode: 'FLAG_NOT_FOUND' })
  client.set('a', false)
  expect(client.boolean('a', true)).toBe(false)
  client.unset('a')
  expect(client.boolean('a', true)).toBe(true)
})

test('one context may get another value than everybody else, the last that was set for it', () => {
  const client = createTestClient({ theme: 'dark', wide: false })
  client.setFor('u1', 'theme', 'light')
  client.setFor('u1', 'theme', 'blue')
  client.setFor('u2', 'wide', true)
  expect(client.stringDetails('theme', '', { targetingKey: 'u1' })).toMatchObject({
    value: 'blue',
    reason: 'TARGETING_MATCH',
  })
  expect(client.string('theme', '', { targetingKey: 'u3' })).toBe('dark')
  expect(client.booleanDetails('wide', false, { targetingKey: 'u2' })).toMatchObject({
    value: true,
    variant: 'on',
  })
  expect(() => client.setFor('u1', 'none', 1)).toThrow('there is no flag "none"')
})

test('what one context gets it gets of a flag that is off too, and everybody else what they had', () => {
  const variants = { light: 'l', dark: 'd' }
  const off = {
    enabled: false,
    variants,
    offVariant: 'dark',
    rules: [{ when: { all: [] }, serve: { variant: 'light' } }],
  }
  const client = createTestClient({}, { definitions: { flags: { theme: off, wide: { enabled: false } } } })
  client.setFor('u1', 'theme', 'l')
  client.setFor('u1', 'wide', true)
  const ofUser = (targetingKey: string) => [
    client.string('theme', '', { targetingKey }),
    client.isEnabled('wide', { targetingKey }),
  ]
  expect([ofUser('u1'), ofUser('u2')]).toEqual([
    ['l', true],
    ['d', false],
  ])
})

test('one context may be given as many values, and one value to as many contexts, as a test likes', () => {
  const client = createTestClient({ limit: 0 })
  for (let i = 1; i <= 130; i++) client.setFor('u1', 'limit', i)
  for (let i = 1; i <= 130; i++) client.setFor(`v${i}`, 'limit', 7)
  expect(client.number('limit', -1, { targetingKey: 'u1' })).toBe(130)
  expect(client.number('limit', -1, { targetingKey: 'v130' })).toBe(7)
  expect(client.number('limit', -1, { targetingKey: 'w' })).toBe(0)
})

test('what one context is given comes before overrides by other attributes', () => {
  const overrides = [
    { attribute: 'plan', values: ['free'], variant: 'off' },
    { values: ['u2'], variant: 'on' },
  ]
  const client = createTestClient({}, { definitions: { flags: { a: { enabled: true, overrides } } } })
  client.setFor('u1', 'a', true)
  expect(client.isEnabled('a', { targetingKey: 'u1', plan: 'free' })).toBe(true)
  expect(client.isEnabled('a', { targetingKey: 'u2', plan: 'free' })).toBe(false)
})

test('a flag may be defined in full, with segments and a clock of the test', () => {
  let now = Date.parse('2026-11-20T12:00:00Z')
  const steps = [{ at: '2026-11-21T00:00:00Z', share: 100_000 }]
  const client = createTestClient(
    {},
    {
      now: () => now,
      definitions: {
        flags: { ramped: { enabled: true, fallthrough: { ramp: { from: 'off', to: 'on', steps } } } },
        segments: { staff: { include: ['u1'] } },
      },
    },
  )
  client.define('a', {
    enabled: true,
    variant: 'off',
    rules: [{ when: { segment: 'staff' }, serve: { variant: 'on' } }],
  })
  expect([
    client.isEnabled('a', { targetingKey: 'u1' }),
    client.isEnabled('a', { targetingKey: 'u2' }),
  ]).toEqual([true, false])
  expect(client.isEnabled('ramped', { targetingKey: 'u1' })).toBe(false)
  now += 24 * 3_600_000
  expect(client.isEnabled('ramped', { targetingKey: 'u1' })).toBe(true)
})

test('what is wrong with a flag is told where it is set, and changes nothing', () => {
  const client = createTestClient({ a: true })
  expect(() => client.define('a', { enabled: true, variant: 'x' })).toThrow(
    new TypeError(
      'these flags cannot be used:\n  /flags/a/variant: there is no variant "x"; there is on, off',
    ),
  )
  expect(client.boolean('a', false)).toBe(true)
  expect(() => createTestClient({ 'a/b': true })).toThrow('/flags/a~1b: is no key here')
})

test('a value is checked against what other flags say of the flag, and leaves them as they were', () => {
  const child = { enabled: true, variant: 'on', prerequisites: [{ flag: 'parent', variants: ['on'] }] }
  const flags = {
    parent: { enabled: true },
    child,
    'parent.other': { enabled: true },
    free: { enabled: true },
  }
  const client = createTestClient({}, { definitions: { flags } })
  expect(() => client.set('parent', 'text')).toThrow('/flags/child/prerequisites/0/variants/0')
  client.set('parent', false)
  client.set('free', 7)
  expect(['parent', 'child', 'parent.other'].map((key) => client.isEnabled(key))).toEqual([
    false,
    false,
    true,
  ])
  expect(client.number('free', 0)).toBe(7)
  client.unset('child')
  client.set('parent', 'text')
  expect(client.string('parent', '')).toBe('text')
})

test('a change is told of at once, with the flags that it concerns', () => {
  const client = createTestClient({ a: true, b: true })
  const changes: FlagChange[] = []
  const stop = client.on('change', (change) => changes.push(change))
  client.set('a', false)
  client.set('a', false) // as it was
  stop()
  client.set('b', false)
  expect(changes).toEqual([{ version: null, flags: ['a'] }])
})

test('every single evaluation is recorded with its merged context, of a snapshot too', () => {
  const client = createTestClient({ a: true, theme: 'dark' })
  client.boolean('a', false, { targetingKey: 'u' })
  client.snapshot({ targetingKey: 'u', plan: 'free' }).string('theme', '', { plan: 'paid' })
  client.number('theme', 7)
  client.variant('a')
  client.isEnabled('none')
  client.all()
  client.explain('a')
  expect(client.evaluations).toEqual([
    { key: 'a', context: { targetingKey: 'u' }, value: true, variant: 'on', reason: 'STATIC' },
    {
      key: 'theme',
      context: { targetingKey: 'u', plan: 'paid' },
      value: 'dark',
      variant: 'value',
      reason: 'STATIC',
    },
    { key: 'theme', context: {}, value: 7, reason: 'ERROR', errorCode: 'TYPE_MISMATCH' },
    { key: 'a', context: {}, value: true, variant: 'on', reason: 'STATIC' },
    { key: 'none', context: {}, value: false, reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' },
  ])
  client.assertEvaluated('theme')
  expect(() => client.assertEvaluated('b')).toThrow(
    'the flag "b" was not evaluated; evaluated: a, theme, none',
  )
  client.clear()
  expect(client.evaluations).toEqual([])
})

test('a snapshot keeps the flags as they were', () => {
  const client = createTestClient({ a: true })
  const request = client.snapshot()
  client.set('a', false)
  expect([request.boolean('a', false), client.boolean('a', true)]).toEqual([true, false])
})

test('what is tracked is recorded', () => {
  const client = createTestClient()
  client.track('paid', { targetingKey: 'u' }, { value: 12.5 })
  client.track('seen')
  expect(client.tracked).toEqual([
    { name: 'paid', context: { targetingKey: 'u' }, value: 12.5 },
    { name: 'seen', context: {} },
  ])
})

test('reset brings back what the client was made with, and forgets what was recorded', () => {
  const client = createTestClient({ a: true })
  client.set('a', false)
  client.set('b', true)
  client.boolean('a', true)
  client.reset()
  expect(client.evaluations).toEqual([])
  expect([client.boolean('a', false), client.boolean('b', false)]).toEqual([true, false])
})

test('what is recorded is bounded: the oldest goes', () => {
  const client = createTestClient({ a: true })
  for (let i = 0; i < 10_001; i++) client.boolean('a', false, { targetingKey: String(i) })
  expect(client.evaluations).toHaveLength(10_000)
  expect(client.evaluations[0]?.context.targetingKey).toBe('1')
})

test('values that were set are for browsers too', () => {
  expect(createTestClient({ a: true }).forBrowser()).toEqual({
    version: null,
    flags: { a: { value: true, variant: 'on', reason: 'STATIC' } },
  })
})
