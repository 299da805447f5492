import { beforeAll, expect, test } from 'vitest'
import { expectProblem, makeShop, pointersOf, production, shop, useKit, type Reply } from '../test-kit.ts'

const kit = useKit()
const toggle = () => kit.call('POST', `${production}/flags/checkout/toggle`, { body: {}, ...withKey('t') })
const withKey = (key: string) => ({ headers: { 'idempotency-key': key } })

const waitingForAnother = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`

beforeAll(() => makeShop(kit))

test('the same key and request give the same answer, and nothing is written twice', async () => {
  const request = { body: { key: 'once' }, ...withKey('a') }
  const first = await kit.call('POST', `${shop}/flags`, request)
  const [before, told] = [await kit.stored(), kit.told.length]
  const again = await kit.call('POST', `${shop}/flags`, request)
  expect({ status: again.status, text: again.text }).toEqual({ status: 201, text: first.text })
  expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
  expect([first, again].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true'])
  expect(await kit.stored()).toEqual(before)
  expect(kit.told).toHaveLength(told)
})

test('a toggle that is repeated does not toggle back', async () => {
  expect([await toggle(), await toggle(), await toggle()].map(({ body }) => body.enabled)).toEqual([
    true,
    true,
    true,
  ])
})

test('the same key for another request is refused, whatever differs', async () => {
  const key = withKey('b')
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'first' }, ...key })
  const before = await kit.stored()
  const others = [
    () => kit.call('POST', `${shop}/flags`, { body: { key: 'second' }, ...key }),
    () => kit.call('POST', `${production}/flags/checkout/toggle`, { body: { key: 'first' }, ...key }),
    () => kit.call('DELETE', `${shop}/flags/first`, key),
    () => kit.call('POST', `${shop}/flags`, { body: '{"key": "first"}', ...key }),
    () =>
      kit.call('POST', `${shop}/flags`, {
        body: { key: 'first' },
        headers: { ...key.headers, 'if-match': '"1"' },
      }),
  ]
  const codes = (await Promise.all(others.map((send) => send()))).map(({ body }) => body.code)
  expect(codes.filter((code) => code !== 'idempotency_key_reused')).toEqual(['unknown_field']) // no field "key" in a toggle
  expect(await kit.stored()).toEqual(before)
})

test('requests with the same key at the same time do the work once', async () => {
  const before = await version()
  const replies = await Promise.all(
    Array.from({ length: 5 }, () =>
      kit.call('POST', `${production}/flags/checkout/toggle`, { body: {}, ...withKey('c') }),
    ),
  )
  expect(new Set(replies.map(({ text }) => text)).size).toBe(1)
  expect(replies.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1)
  expect(await version()).toBe(before + 1)
})

test('a request that was refused may be sent again under its key', async () => {
  const request = { body: { name: 'later' }, headers: { 'idempotency-key': 'd', 'if-match': '"1"' } }
  expectProblem(await kit.call('PATCH', `${shop}/flags/later`, request), 'flag_not_found')
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'later' } })
  await kit.ok('PATCH', `${shop}/flags/later`, request)
  // Its own change has made the tag old; the repetition is answered, not refused.
  expect((await kit.call('PATCH', `${shop}/flags/later`, request)).headers.get('idempotency-replayed')).toBe(
    'true',
  )
})

test('if the first of two is rolled back, the second does the work', async () => {
  const request = { body: { key: 'retried' }, ...withKey('e') }
  let second: Promise<Reply> | undefined
  const arm = async () => {
    second ??= kit.call('POST', `${shop}/flags`, request)
    while ((await kit.sql(waitingForAnother)).length === 0);
    throw new Error('out of reach')
  }
  const { error } = console
  console.error = () => {}
  const first = await kit.call('POST', `${shop}/flags`, { ...request, deps: { publishers: { arm } } })
  console.error = error
  expectProblem(first, 'internal')
  expect((await second)?.status).toBe(201)
})

test('a key counts for the token that sent it only', async () => {
  const other = await kit.makeToken()
  const request = { body: { key: 'mine' }, ...withKey('f') }
  await kit.ok('POST', `${shop}/flags`, request)
  expectProblem(await kit.call('POST', `${shop}/flags`, { ...request, token: other }), 'flag_exists')
  const rival = await kit.call('POST', `${shop}/flags`, { ...request, token: kit.rivalToken })
  expectProblem(rival, 'organization_not_found')
})

test('the secret of a key is answered again, and is nowhere in the database', async () => {
  const request = { body: { class: 'server', environment: 'production', name: 'web' }, ...withKey('g') }
  const first = await kit.ok('POST', `${shop}/keys`, request)
  expect((await kit.ok('POST', `${shop}/keys`, request)).secret).toBe(first.secret)
  const tables = await kit.sql<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')",
  )
  for (const { name } of tables) {
    const secret = first.secret.slice(-36)
    expect(await kit.sql(`select 1 from ${name} t where position($1 in t::text) > 0`, [secret])).toEqual([])
  }
})

test('a key is remembered for a day', async () => {
  const count = async () =>
    (await kit.sql<{ n: number }>('select count(*)::int as n from idempotency_keys'))[0]?.n ?? 0
  await kit.sql("update idempotency_keys set created_at = created_at - interval '25 hours'")
  expect(await count()).toBeGreaterThan(1)
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'next-day' }, ...withKey('h') })
  expect(await count()).toBe(1)
})

test('an Idempotency-Key is 1 to 200 visible characters', async () => {
  const before = await kit.stored()
  for (const key of ['a b', 'é', 'k'.repeat(201), ''])
    expect(
      pointersOf(await kit.call('POST', `${shop}/flags`, { body: { key: 'x' }, ...withKey(key) })),
    ).toEqual(['Idempotency-Key'])
  expect(await kit.stored()).toEqual(before)
})

async function version(): Promise<number> {
  return Number((await kit.ok('GET', production)).version.split('.')[1])
}
