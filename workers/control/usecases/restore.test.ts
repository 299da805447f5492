import { beforeAll, expect, test } from 'vitest'
import { expectProblem, makeShop, pointersOf, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
const staging = `${shop}/environments/staging`

beforeAll(() => makeShop(kit))

const next = (version: string) => version.replace(/\d+$/, (number) => String(Number(number) + 1))
const variants = (...keys: string[]) => keys.map((key) => ({ key, value: key }))

test('a flag comes back as the request says, in one version of each environment, and elsewhere as it was', async () => {
  const old = { enabled: true, fallthrough: { variant: 'a' } }
  const environments = { production: old, staging: old }
  const body = { key: 'theme', valueType: 'string', variants: variants('a', 'b'), environments }
  await kit.ok('POST', `${shop}/flags`, { body })
  const { versions: before } = await kit.ok('DELETE', `${shop}/flags/theme`)
  const restored = await kit.ok('POST', `${shop}/flags/theme/restore`, {
    body: {
      description: 'again',
      variants: variants('a', 'c'),
      environments: { production: { fallthrough: { variant: 'c' }, offVariant: 'c' } },
      comment: 'back',
    },
  })
  expect(restored).toMatchObject({ archived: false, description: 'again', variants: variants('a', 'c') })
  for (const [environment, version] of Object.entries<string>(restored.versions))
    expect(version).toBe(next(before[environment]))
  expect(await kit.ok('GET', `${production}/flags/theme`)).toMatchObject({
    enabled: true,
    offVariant: 'c',
    fallthrough: { variant: 'c' },
  })
  expect(await kit.ok('GET', `${staging}/flags/theme`)).toMatchObject(old)
  const { items } = await kit.ok('GET', '/orgs/acme/audit?limit=1')
  expect(items[0]).toMatchObject({ action: 'flag.restore', comment: 'back' })
  expect(items[0].before.states.production.fallthrough).toEqual({ variant: 'a' })
  expect(items[0].after.states).toEqual({ production: expect.objectContaining({ offVariant: 'c' }) })
})

test('what a flag is restored to is checked, and named where the request has it', async () => {
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'wrong' } })
  await kit.ok('DELETE', `${shop}/flags/wrong`)
  const before = await kit.stored()
  const restore = (body: object) => kit.call('POST', `${shop}/flags/wrong/restore`, { body })
  const missing = await restore({ environments: { production: { offVariant: 'purple' }, nowhere: {} } })
  expect(pointersOf(missing)).toEqual(['/environments/nowhere'])
  const purple = await restore({ environments: { production: { offVariant: 'purple' } } })
  expect(pointersOf(purple)).toEqual(['/environments/production/offVariant'])
  const lost = await restore({ variants: [{ key: 'other', value: true }] })
  expect(expectProblem(lost, 'invalid_input').errors?.[0]).toMatchObject({ pointer: '/variants' })
  const prerequisites = [{ flag: 'none', variants: ['on'] }]
  const reference = await restore({ environments: { production: { prerequisites } } })
  expectProblem(reference, 'unknown_reference')
  expect(pointersOf(reference)).toEqual(['/environments/production/prerequisites/0/flag'])
  expect(await kit.stored()).toEqual(before)
})

test('what refers to something that is gone comes back without it', async () => {
  await kit.ok('POST', `${shop}/segments`, { body: { key: 'base' } })
  const when = { segment: 'base' }
  const environments = { production: { when } }
  await kit.ok('POST', `${shop}/segments`, { body: { key: 'over', environments } })
  const rules = [{ when: { segment: 'over' }, serve: { variant: 'on' } }]
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'user', environments: { production: { rules } } } })
  for (const path of ['flags/user', 'segments/over', 'segments/base'])
    await kit.ok('DELETE', `${shop}/${path}`) // oxlint-disable-line no-await-in-loop -- in this order
  expectProblem(await kit.call('POST', `${shop}/segments/over/restore`), 'unknown_reference')
  const segment = await kit.ok('POST', `${shop}/segments/over/restore`, {
    body: { description: 'alone', environments: { production: { when: null, include: ['u1'] } } },
  })
  expect(segment).toMatchObject({ archived: false, description: 'alone' })
  expect(await kit.ok('GET', `${production}/segments/over`)).toMatchObject({ when: null, include: ['u1'] })
  await kit.ok('POST', `${shop}/flags/user/restore`, {
    body: { environments: { production: { rules: [] } } },
  })
})

test('restoring is no way to change what is live', async () => {
  const before = await kit.stored()
  const body = { environments: { production: { enabled: true } } }
  expectProblem(await kit.call('POST', `${shop}/flags/checkout/restore`, { body }), 'invalid_input')
  expect((await kit.call('POST', `${shop}/flags/checkout/restore`, { body: {} })).status).toBe(200)
  await kit.ok('POST', `${shop}/segments`, { body: { key: 'live' } })
  const segment = await kit.call('POST', `${shop}/segments/live/restore`, { body: { description: 'x' } })
  expectProblem(segment, 'invalid_input')
  expect((await kit.stored())['flags']).toEqual(before['flags'])
})
