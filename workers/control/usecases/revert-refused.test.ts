import { expect, test } from 'vitest'
import { expectProblem, pointersOf, production, shop } from '../test-kit.ts'
import { anyVersion, french, useRevert } from './revert-kit.ts'

const { kit, own, present, revert, patch, patchSegment, reverted, refused } = useRevert()

test('what is named must be there, must have been there, and must not be archived', async () => {
  const { key } = own
  const to = await present()
  const late = `${key}-late`
  await kit.ok('POST', `${shop}/flags`, { body: { key: late } })
  await patch({ enabled: true })
  await kit.ok('DELETE', `${shop}/flags/${key}`)
  const before = await kit.stored()
  const reply = await revert({ to, flags: [late, key, 'nope'], segments: ['nope'] })
  expect(pointersOf(reply)).toEqual(['/flags/0', '/flags/1', '/flags/2', '/segments/0'])
  expect(await kit.stored()).toEqual(before)
})

test('a past state that names a variant which is gone refuses the whole, with pointers', async () => {
  const { key } = own
  const blue = [
    { key: 'on', value: true },
    { key: 'off', value: false },
    { key: 'blue', value: true },
  ]
  await kit.ok('PATCH', `${shop}/flags/${key}`, { body: { variants: blue }, headers: anyVersion })
  await patch({ fallthrough: { variant: 'blue' }, rules: [{ ...french, serve: { variant: 'blue' } }] })
  await patchSegment({ include: ['u'] })
  const to = await present()
  await patch({ fallthrough: { variant: 'on' }, rules: [] })
  await patchSegment({ include: [] })
  await kit.ok('PATCH', `${shop}/flags/${key}`, { body: { variants: blue.slice(0, 2) }, headers: anyVersion })
  expect(await refused({ to })).toEqual([
    `/flags/${key}/rules/0/serve/variant: there is no variant "blue"; there is on, off`,
    `/flags/${key}/fallthrough/variant: there is no variant "blue"; there is on, off`,
  ])
})

test('a past state that names a flag, segment or slot which is gone refuses the whole', async () => {
  const { key, segment } = own
  const [base, layer] = [`${key}-base`, `layer-${key}`]
  await kit.ok('POST', `${shop}/flags`, { body: { key: base } })
  const slots = [
    { name: 'a', from: 0, to: 50_000 },
    { name: 'b', from: 50_000, to: 100_000 },
  ]
  await kit.ok('POST', `${shop}/layers`, { body: { key: layer, slots } })
  const split = {
    by: 'targetingKey',
    weights: [{ variant: 'on', weight: 100_000 }],
    layer: { key: layer, slot: 'a' },
    outside: 'off',
  }
  await patch({
    prerequisites: [{ flag: base, variants: ['on'] }],
    rules: [{ when: { segment }, serve: { variant: 'on' } }],
    fallthrough: { split },
  })
  const to = await present()
  await patch({ prerequisites: [], rules: [], fallthrough: { variant: 'on' } })
  await kit.ok('DELETE', `${shop}/flags/${base}`)
  await kit.ok('DELETE', `${shop}/segments/${segment}`)
  await kit.ok('PATCH', `${shop}/layers/${layer}`, { body: { slots: slots.slice(1) }, headers: anyVersion })
  expect(await refused({ to })).toEqual([
    `/flags/${key}/prerequisites/0/flag: flag "${base}" is archived`,
    `/flags/${key}/rules/0/when/segment: segment "${segment}" is archived`,
    `/flags/${key}/fallthrough/split/layer/slot: layer "${layer}" has no slot "a"; it has b`,
  ])
})

test('a revert of one flag that would close a circle is refused', async () => {
  const { key } = own
  const other = `${key}-other`
  await kit.ok('POST', `${shop}/flags`, { body: { key: other } })
  await patch({ prerequisites: [{ flag: other, variants: ['on'] }] })
  const to = await present()
  await patch({ prerequisites: [] })
  await patch({ prerequisites: [{ flag: key, variants: ['on'] }] }, other)
  const [first] = await refused({ to, flags: [key] })
  expect(first).toContain(`/flags/${key}/prerequisites/0/flag: flags may not depend on themselves`)
  // Both together were no circle then.
  expect(await reverted({ to })).toMatchObject({ flags: [key, other] })
})

test('a version that never was cannot be gone back to', async () => {
  for (const to of ['1.0', '7.1', '999999999999.1']) expectProblem(await revert({ to }), 'version_not_found')
  expect(pointersOf(await revert({ to: 'newest' }))).toEqual(['/to'])
})

test('a revert needs an editor', async () => {
  const token = await kit.makeToken({ project: 'shop', environment: 'production', role: 'viewer' })
  expectProblem(
    await kit.call('POST', `${production}/revert`, { token, body: { to: await present() } }),
    'forbidden',
  )
})
