import { beforeAll, expect, test } from 'vitest'
import { makeShop, pointersOf, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
const ifMatch = { 'if-match': '*' }
const rule = { when: { attribute: 'country', op: 'eq', value: 'FR' }, serve: { variant: 'on' } }

beforeAll(() => makeShop(kit))

test('a sample gets a seed of its own, which its rule keeps', async () => {
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'sampled' } })
  const save = async (rules: object[]) =>
    (await kit.ok('PATCH', `${production}/flags/sampled`, { body: { rules }, headers: ifMatch })).rules
  const sampled = { ...rule, sample: { share: 20_000 } }
  const [first, second] = await save([sampled, sampled])
  expect(first.sample).toEqual({
    by: 'targetingKey',
    share: 20_000,
    seed: expect.stringMatching(/^[0-9a-f]{16}$/),
  })
  expect(second.sample.seed).not.toBe(first.sample.seed)
  const [widened, moved] = await save([{ ...second, sample: { share: 50_000 } }, first])
  expect(widened).toMatchObject({ id: second.id, sample: { share: 50_000, seed: second.sample.seed } })
  expect(moved).toEqual(first)
  const { seed: own } = await kit.ok('GET', `${shop}/flags/sampled`)
  const shared = await kit.call('PATCH', `${production}/flags/sampled`, {
    body: { rules: [{ ...first, sample: { ...first.sample, seed: own } }] },
    headers: ifMatch,
  })
  expect(pointersOf(shared)).toEqual(['/rules/0/sample/seed'])
})

test('a definition has owner, life span and schema; null clears what may be missing', async () => {
  const schema = { type: 'string', maxLength: 20 }
  const body = {
    key: 'spanned',
    valueType: 'string',
    owner: 'team-web',
    temporary: true,
    schema,
    expiresAt: '2027-01-01T01:00:00+01:00',
    onExpiry: { variant: 'b' },
    variants: [
      { key: 'a', value: 'x' },
      { key: 'b', value: 'y' },
    ],
  }
  const made = await kit.ok('POST', `${shop}/flags`, { body })
  expect(made).toMatchObject({ ...body, expiresAt: '2027-01-01T00:00:00.000Z' })
  const change = (patch: object) =>
    kit.call('PATCH', `${shop}/flags/spanned`, { body: patch, headers: ifMatch })
  const { versions } = (await change({ owner: 'team-api' })).body
  expect(versions).toEqual(made.versions)
  const cleared = await change({ expiresAt: null, schema: null, onExpiry: 'keep' })
  expect(cleared.body).toMatchObject({ expiresAt: null, schema: null, onExpiry: 'keep', owner: 'team-api' })
  expect(cleared.body.versions).not.toEqual(made.versions)
  expect(await kit.ok('GET', `${shop}/flags/banner`)).toMatchObject({
    owner: '',
    temporary: false,
    expiresAt: null,
    onExpiry: 'keep',
    schema: null,
  })
  const wrong: [object, string[]][] = [
    [{ onExpiry: { variant: 'z' } }, ['/onExpiry/variant']],
    [{ onExpiry: 'drop' }, ['/onExpiry']],
    [{ expiresAt: 'soon' }, ['/expiresAt']],
    [{ schema: { type: 'number' } }, ['/variants/0/value', '/variants/1/value']],
    [{ schema: { type: 'strin' } }, ['/schema/type']],
    [{ schema: { description: 'x'.repeat(16 * 1024) } }, ['/schema']],
    [{ schema: [] }, ['/schema']],
    [{ owner: 'x'.repeat(201) }, ['/owner']],
  ]
  const before = await kit.stored()
  for (const [patch, pointers] of wrong) expect(pointersOf(await change(patch))).toEqual(pointers)
  expect(await kit.stored()).toEqual(before)
})

test('a flag past its expiry gives the variant it names, everywhere', async () => {
  const body = { key: 'over', expiresAt: kit.clock.nowMs + 1_000, onExpiry: { variant: 'off' } }
  const environments = { production: { enabled: true } }
  await kit.ok('POST', `${shop}/flags`, { body: { ...body, environments } })
  const decide = async () => {
    const { flags } = await kit.ok('POST', `${production}/evaluate`, { body: { flag: 'over' } })
    return flags[0]
  }
  expect(await decide()).toMatchObject({ variant: 'on' })
  kit.clock.nowMs += 1_000
  expect(await decide()).toMatchObject({ variant: 'off', reason: 'DISABLED', metadata: { expired: true } })
})

test('restoring brings back key, seed and state', async () => {
  const made = await kit.ok('POST', `${shop}/flags`, {
    body: { key: 'again', environments: { production: { enabled: true } } },
  })
  await kit.ok('DELETE', `${shop}/flags/again`)
  const restored = await kit.ok('POST', `${shop}/flags/again/restore`)
  expect(restored).toMatchObject({ id: made.id, seed: made.seed, archived: false })
  expect(await kit.ok('GET', `${production}/flags/again`)).toMatchObject({ enabled: true })
})

test('a variant that the own state serves cannot be taken away by the short form either', async () => {
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'served' } })
  await kit.ok('PATCH', `${production}/flags/served`, { body: { rules: [rule] }, headers: ifMatch })
  const token = await kit.makeToken({ project: 'shop', environment: 'production' })
  const variants = [
    { key: 'off', value: false },
    { key: 'yes', value: true },
  ]
  const reply = await kit.call('PATCH', '/flags/served', { token, body: { variants }, headers: ifMatch })
  expect(pointersOf(reply)).toEqual([
    '/variants',
    '/variants',
    '/rules/0/serve/variant',
    '/fallthrough/variant',
  ])
})
