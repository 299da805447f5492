import { beforeAll, expect, test } from 'vitest'
import { expectProblem, makeShop, pointersOf, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
const headers = { 'if-match': '*' }
const staging = `${shop}/environments/staging`
const needs = (flag: string, ...variants: string[]) => ({ flag, variants })
const inFlag = (flag: string, ...variants: string[]) => ({
  when: { all: [needs(flag, ...variants)] },
  serve: { variant: 'on' },
})

/** A new flag whose prerequisites are these. */
const needing = (key: string, ...keys: string[]) => ({
  key,
  environments: { production: { prerequisites: keys.map((other) => needs(other, 'on')) } },
})

beforeAll(async () => {
  await makeShop(kit)
  const keys = ['a', 'b', 'c', 'd']
  await kit.ok('POST', `${shop}/flags/import`, { body: { flags: keys.map((key) => ({ key })) } })
})

const patch = (key: string, body: object, at = production) =>
  kit.call('PATCH', `${at}/flags/${key}`, { body, headers })
const detailOf = (reply: { body: { errors: { detail: string }[] } }) => reply.body.errors[0]?.detail

test('a state may name only flags, variants and segments that exist', async () => {
  const before = await kit.stored()
  const prerequisites = [needs('none', 'on'), needs('b', 'on', 'purple')]
  const reply = await patch('a', {
    prerequisites,
    rules: [{ ...inFlag('b', 'on'), when: { segment: 'none' } }],
  })
  expect(expectProblem(reply, 'unknown_reference').errors).toEqual([
    { code: 'unknown_reference', pointer: '/prerequisites/0/flag', detail: 'there is no flag "none"' },
    {
      code: 'unknown_reference',
      pointer: '/prerequisites/1/variants/1',
      detail: 'flag "b" has no variant "purple"; it has on, off',
    },
    { code: 'unknown_reference', pointer: '/rules/0/when/segment', detail: 'there is no segment "none"' },
  ])
  expect(await kit.stored()).toEqual(before)
})

test('a cycle among prerequisites and flag leaves is refused, and named', async () => {
  expect((await patch('a', { prerequisites: [needs('b', 'on')] })).status).toBe(200)
  expect((await patch('b', { rules: [inFlag('c', 'on')] })).status).toBe(200)
  const before = await kit.stored()
  const reply = await patch('c', { prerequisites: [needs('a', 'on')] })
  expectProblem(reply, 'reference_cycle')
  expect(pointersOf(reply)).toEqual(['/prerequisites/0/flag'])
  expect(detailOf(reply)).toContain('c -> a -> b -> c')
  expect(await kit.stored()).toEqual(before)
  // Another environment is another graph.
  expect((await patch('c', { prerequisites: [needs('a', 'on')] }, staging)).status).toBe(200)
})

test('a cycle through a segment is refused, from either side', async () => {
  await kit.ok('POST', `${shop}/segments`, { body: { key: 's' } })
  const rules = [{ when: { segment: 's' }, serve: { variant: 'on' } }]
  expect((await patch('d', { rules })).status).toBe(200)
  const body = { when: { flag: 'd', variants: ['on'] } }
  const reply = await kit.call('PATCH', `${production}/segments/s`, { body, headers })
  expectProblem(reply, 'reference_cycle')
  expect(detailOf(reply)).toContain('s (segment) -> d (flag) -> s (segment)')
})

test('flags that are made together may refer to each other, but not in circles', async () => {
  const post = (...flags: object[]) => kit.call('POST', `${shop}/flags/import`, { body: { flags } })
  const before = await kit.stored()
  const circle = await post({ key: 'fine' }, needing('x', 'y'), needing('y', 'x'))
  expectProblem(circle, 'reference_cycle')
  const pointers = [1, 2].map((i) => `/flags/${i}/environments/production/prerequisites/0/flag`)
  expect(pointersOf(circle)).toEqual(pointers)
  const alone = await kit.call('POST', `${shop}/flags`, { body: needing('x', 'nobody') })
  expect(pointersOf(alone)).toEqual(['/environments/production/prerequisites/0/flag'])
  expect(await kit.stored()).toEqual(before)
  expect((await post(needing('x', 'y'), { key: 'y' })).status).toBe(201)
})

test('a chain of twenty-one flags is refused, with the name of the limit', async () => {
  const chain = Array.from({ length: 21 }, (_, i) => ({
    key: `chain-${i}`,
    environments: { production: { prerequisites: i === 0 ? [] : [needs(`chain-${i - 1}`, 'on')] } },
  }))
  const post = (flags: object[]) => kit.call('POST', `${shop}/flags/import`, { body: { flags } })
  const reply = await post(chain)
  expectProblem(reply, 'invalid_input')
  expect(detailOf(reply)).toContain('at most 20 are allowed (referenceDepth)')
  expect((await post(chain.slice(0, 20))).status).toBe(201)
  await kit.ok('POST', `${production}/evaluate`, { body: {} })
})

test('a variant that another flag needs is neither taken away nor renamed', async () => {
  await patch('checkout', { prerequisites: [needs('banner', 'long')] })
  const before = await kit.stored()
  const body = {
    variants: [
      { key: 'short', value: 'Hi' },
      { key: 'longer', value: 'Hello there' },
    ],
  }
  const reply = await kit.call('PATCH', `${shop}/flags/banner`, { body, headers })
  expect(pointersOf(reply)).toEqual(['/variants'])
  expect(detailOf(reply)).toBe(
    'flag "checkout" in production uses it at /prerequisites/0/variants/0: flag "banner" has no variant "long"; it has short, longer',
  )
  expect(await kit.stored()).toEqual(before)
  const more = { variants: [...body.variants, { key: 'long', value: 'Hello' }] }
  expect((await kit.call('PATCH', `${shop}/flags/banner`, { body: more, headers })).status).toBe(200)
})

test('a flag that others need is not archived, and is restored only with what it needs', async () => {
  await kit.ok('POST', `${shop}/flags/import`, { body: { flags: [{ key: 'base' }, { key: 'top' }] } })
  await patch('top', { prerequisites: [needs('base', 'on')] })
  const used = expectProblem(await kit.call('DELETE', `${shop}/flags/base`), 'in_use')
  expect(used.detail).toBe('flag "base" is used by flag "top" in production')
  const token = await kit.makeToken({ project: 'shop', environment: 'production' })
  expectProblem(await kit.call('DELETE', '/flags/base', { token }), 'in_use')
  await kit.ok('DELETE', `${shop}/flags/top`)
  await kit.ok('DELETE', `${shop}/flags/base`)
  const restored = await kit.call('POST', `${shop}/flags/top/restore`)
  expectProblem(restored, 'unknown_reference')
  expect(detailOf(restored)).toBe('production has at /prerequisites/0/flag: flag "base" is archived')
  await kit.ok('POST', `${shop}/flags/base/restore`)
  await kit.ok('POST', `${shop}/flags/top/restore`)
})

test('what a saved state may not mean is said in warnings, where it stands', async () => {
  const always = { when: { all: [] }, serve: { variant: 'on' } }
  const rules = [always, { when: { attribute: 'a', op: 'exists' }, serve: { variant: 'off' } }]
  const { warnings } = (await patch('c', { rules })).body
  expect(warnings).toEqual([{ code: 'unreachable_rule', pointer: '/rules/1', detail: expect.any(String) }])
  const body = { key: 'warned', environments: { staging: { rules } } }
  const made = await kit.ok('POST', `${shop}/flags`, { body })
  expect(made.warnings[0]).toMatchObject({ pointer: '/environments/staging/rules/1' })
  const imported = await kit.ok('POST', `${shop}/flags/import`, {
    body: { flags: [{ key: 'calm' }, { ...body, key: 'warned-2' }] },
  })
  expect(imported.warnings[0]).toMatchObject({ pointer: '/flags/1/environments/staging/rules/1' })
  expect((await kit.ok('POST', `${shop}/flags`, { body: { key: 'quiet' } })).warnings).toEqual([])
})
