import { beforeAll, expect, test } from 'vitest'
import { expectProblem, makeShop, pointersOf, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
const headers = { 'if-match': '*' }
const layers = `${shop}/layers`
const slots = [
  { name: 'a', from: 0, to: 40_000 },
  { name: 'b', from: 40_000, to: 80_000 },
]
const inSlot = (slot: string, more: object = {}, key = 'experiments') => ({
  split: { weights: [{ variant: 'on', weight: 100_000 }], layer: { key, slot }, ...more },
})
const all = { all: [] }

beforeAll(async () => {
  await makeShop(kit)
  await kit.ok('POST', layers, { body: { key: 'experiments', slots } })
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'second' } })
})

const patchFlag = (key: string, body: object) =>
  kit.call('PATCH', `${production}/flags/${key}`, { body: { enabled: true, ...body }, headers })
const patchLayer = (body: object) => kit.call('PATCH', `${layers}/experiments`, { body, headers })

test('a layer is made with a seed that stays, and is read as it was written', async () => {
  const made = await kit.ok('POST', layers, { body: { key: 'other', by: 'company' } })
  expect(made).toMatchObject({
    key: 'other',
    by: 'company',
    slots: [],
    seed: expect.stringMatching(/^[0-9a-f]{16}$/),
  })
  const body = { slots: [{ name: 'x', from: 5, to: 6 }], description: 'd' }
  const changed = await kit.ok('PATCH', `${layers}/other`, { body, headers })
  expect(changed).toMatchObject({ ...body, seed: made.seed, by: 'company' })
  await kit.ok('DELETE', `${layers}/other`)
  expect(await kit.ok('POST', `${layers}/other/restore`)).toMatchObject({ ...body, seed: made.seed })
})

test('two disjoint slots never share a context', async () => {
  expect(
    (
      await patchFlag('checkout', {
        rules: [{ when: all, serve: inSlot('a') }],
        fallthrough: { variant: 'off' },
      })
    ).status,
  ).toBe(200)
  expect((await patchFlag('second', { fallthrough: inSlot('b', { outside: 'off' }) })).status).toBe(200)
  const given = { checkout: 0, second: 0, both: 0 }
  const contexts = Array.from({ length: 60 }, (_, i) => ({ targetingKey: `user-${i}` }))
  for (const context of contexts) {
    const { flags } = await kit.ok('POST', `${production}/evaluate`, { body: { context } })
    const isOn = (key: string) => flags.find((flag: { key: string }) => flag.key === key).variant === 'on'
    given.checkout += Number(isOn('checkout'))
    given.second += Number(isOn('second'))
    given.both += Number(isOn('checkout') && isOn('second'))
  }
  expect(given.checkout).toBeGreaterThan(0)
  expect(given.second).toBeGreaterThan(0)
  expect(given.both).toBe(0)
})

const badSlots: [string, object[], string[]][] = [
  ['overlap', [slots[0] ?? {}, { name: 'c', from: 39_999, to: 50_000 }], ['/slots/1']],
  ['have one name', [slots[0] ?? {}, { name: 'a', from: 50_000, to: 60_000 }], ['/slots/1']],
  ['hold nobody', [{ name: 'c', from: 5, to: 5 }], ['/slots/0/to']],
  ['reach past the last bucket', [{ name: 'c', from: 0, to: 100_001 }], ['/slots/0/to']],
]

test.for(badSlots)('slots may not %s', async ([, wrong, pointers]) => {
  expect(pointersOf(await kit.call('POST', layers, { body: { key: 'bad', slots: wrong } }))).toEqual(pointers)
  expect(pointersOf(await patchLayer({ slots: wrong }))).toEqual(pointers)
})

const badSplits: [string, object, string][] = [
  [
    'an unknown layer',
    { fallthrough: inSlot('a', { outside: 'off' }, 'none') },
    '/fallthrough/split/layer/key',
  ],
  ['an unknown slot', { fallthrough: inSlot('z', { outside: 'off' }) }, '/fallthrough/split/layer/slot'],
  ['a layer in a fallthrough without outside', { fallthrough: inSlot('a') }, '/fallthrough/split/outside'],
  [
    'outside without a layer',
    { fallthrough: { split: { weights: [{ variant: 'on', weight: 100_000 }], outside: 'off' } } },
    '/fallthrough/split/outside',
  ],
  [
    'outside in a rule',
    { rules: [{ when: all, serve: inSlot('a', { outside: 'off' }) }] },
    '/rules/0/serve/split/outside',
  ],
  [
    'an unknown variant outside',
    { fallthrough: inSlot('a', { outside: 'z' }) },
    '/fallthrough/split/outside',
  ],
]

test.for(badSplits)('a split may not have %s', async ([, body, pointer]) => {
  const before = await kit.stored()
  expect(pointersOf(await patchFlag('second', body))).toEqual([pointer])
  expect(await kit.stored()).toEqual(before)
})

test('a slot that a flag uses can be moved, but neither taken away nor renamed', async () => {
  await patchFlag('checkout', { rules: [{ when: all, serve: inSlot('a') }] })
  const [a, b] = slots
  expect((await patchLayer({ slots: [{ ...a, to: 30_000 }, b] })).status).toBe(200)
  const before = await kit.stored()
  const reply = await patchLayer({ slots: [{ ...a, name: 'renamed' }, b] })
  expect(pointersOf(reply)).toEqual(['/slots'])
  expect(reply.body.errors[0].detail).toContain(
    'flag "checkout" in production uses it at /rules/0/serve/split/layer/slot',
  )
  expect(await kit.stored()).toEqual(before)
})

const ranges = (to: number) => [{ name: 's', from: 0, to }]

test('a change that moves contexts out of a slot is told, and no other one', async () => {
  await kit.ok('POST', layers, { body: { key: 'moving', slots: ranges(50_000) } })
  const told = async (body: object) => {
    const { warnings } = await kit.ok('PATCH', `${layers}/moving`, { body, headers })
    return warnings.map(({ code, pointer }: { code: string; pointer: string }) => [code, pointer])
  }
  expect(await told({ slots: ranges(40_000) })).toEqual([['moves_contexts', '/slots/0']])
  expect(await told({ slots: ranges(60_000) })).toEqual([])
  expect(await told({ by: 'company' })).toEqual([['moves_contexts', '/by']])
  expect(await told({ by: 'company', description: 'the same' })).toEqual([])
  expect(await kit.ok('DELETE', `${layers}/moving`)).toMatchObject({ warnings: [] })
  expect(await kit.ok('POST', `${layers}/moving/restore`)).toMatchObject({ warnings: [] })
})

test('a layer that a flag uses is not archived, and an archived one is not used', async () => {
  await patchFlag('checkout', { rules: [{ when: all, serve: inSlot('a') }] })
  await patchFlag('second', { fallthrough: { variant: 'on' } })
  const used = expectProblem(await kit.call('DELETE', `${layers}/experiments`), 'in_use')
  expect(used.detail).toBe('layer "experiments" is used by flag "checkout" in production')
  await patchFlag('checkout', { rules: [] })
  await kit.ok('DELETE', `${layers}/experiments`)
  expectProblem(await patchLayer({ name: 'x' }), 'layer_archived')
  expectProblem(
    await patchFlag('checkout', { rules: [{ when: all, serve: inSlot('a') }] }),
    'unknown_reference',
  )
  await kit.ok('POST', `${layers}/experiments/restore`)
})

test('a key is taken, also in another case and by an archived layer', async () => {
  await kit.ok('POST', layers, { body: { key: 'Taken' } })
  await kit.ok('DELETE', `${layers}/Taken`)
  expectProblem(await kit.call('POST', layers, { body: { key: 'tAKEN' } }), 'layer_exists')
  const listed = await kit.ok('GET', `${layers}?archived=true`)
  expect(listed.items.map(({ key }: { key: string }) => key)).toEqual(['Taken'])
})

test('a stale tag is refused with the present layer, and a new environment has the layers', async () => {
  const { headers: read } = await kit.call('GET', `${layers}/experiments`)
  await patchLayer({ name: 'Experiments' })
  const stale = { 'if-match': read.get('etag') ?? '' }
  const reply = await kit.call('PATCH', `${layers}/experiments`, { body: { name: 'x' }, headers: stale })
  expectProblem(reply, 'precondition_failed')
  expect(reply.body.current).toMatchObject({ name: 'Experiments' })
  await kit.ok('POST', `${shop}/environments`, { body: { key: 'late' } })
  const body = { enabled: true, rules: [{ when: all, serve: inSlot('b') }] }
  await kit.ok('PATCH', `${shop}/environments/late/flags/checkout`, { body, headers })
  const evaluated = await kit.ok('POST', `${shop}/environments/late/evaluate`, {
    body: { flag: 'checkout', context: { targetingKey: 'u' } },
  })
  expect(evaluated.flags[0].errorCode).toBeUndefined()
})
