import { beforeAll, expect, test } from 'vitest'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { parseKey } from '@halyard/shared/protocol/keys.ts'
import { expectProblem, makeShop, pointersOf, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
const keys = `${shop}/keys`
const server = { class: 'server', environment: 'production', name: 'k' }
const client = { class: 'client', environment: 'production', name: 'k' }

beforeAll(() => makeShop(kit))

test('a key names its environment, is shown once, and is stored as its hash', async () => {
  const { id: environmentId } = await kit.ok('GET', production)
  const made = await kit.ok('POST', keys, { body: server })
  expect(parseKey(made.secret)).toMatchObject({ class: 'server', publicId: environmentId.slice(4) })
  const { secret: _, versions: __, warnings: ___, ...listed } = made
  expect((await kit.ok('GET', keys)).items).toContainEqual(listed)
  const [stored] = await kit.sql<{ hash: string; last_four: string }>(
    'select * from api_keys where id = $1',
    [made.id],
  )
  expect(stored).toMatchObject({ hash: await sha256Hex(made.secret), last_four: made.secret.slice(-4) })
  const audit = await kit.call('GET', '/orgs/acme/audit')
  expect(audit.text).not.toContain(made.secret.slice(-36))
})

test('a management key does what its role and place allow, until it is revoked', async () => {
  const body = { class: 'management', role: 'editor', environment: 'production', name: 'ci' }
  const { id, secret, versions } = await kit.ok('POST', keys, { body })
  expect(versions).toEqual({}) // no reader holds it
  await kit.ok('POST', '/flags/checkout/toggle', { token: secret })
  expectProblem(await kit.call('POST', keys, { token: secret, body: server }), 'forbidden')
  await kit.ok('DELETE', `${keys}/${id}`)
  expectProblem(await kit.call('GET', '/whoami', { token: secret }), 'unknown_key')
})

test('revoking again changes nothing', async () => {
  const { id } = await kit.ok('POST', keys, { body: client })
  const first = await kit.ok('DELETE', `${keys}/${id}`)
  const before = await kit.stored()
  kit.clock.nowMs += 60_000
  expect(await kit.ok('DELETE', `${keys}/${id}`)).toEqual({ ...first, versions: {}, warnings: [] })
  expect(await kit.stored()).toEqual(before)
})

test('a token of one environment makes, lists and revokes keys of that environment only', async () => {
  const token = await kit.makeToken({ project: 'shop', environment: 'staging' })
  const [{ id: other }, { id: revoked }] = [
    await kit.ok('POST', keys, { body: server }),
    await kit.ok('POST', keys, { body: server }),
  ]
  await kit.ok('DELETE', `${keys}/${revoked}`)
  const before = await kit.stored()
  for (const body of [server, client, { class: 'management', role: 'viewer', name: 'wide' }])
    expectProblem(await kit.call('POST', keys, { token, body }), 'forbidden')
  for (const id of [other, revoked])
    expectProblem(await kit.call('DELETE', `${keys}/${id}`, { token }), 'key_not_found')
  const list = async () => (await kit.ok('GET', keys, { token })).items.map((item: { id: string }) => item.id)
  const own = (await kit.ok('GET', '/whoami', { token })).key
  expect(await list()).toEqual([own])
  expect(await kit.stored()).toEqual(before)
  const { id } = await kit.ok('POST', keys, { token, body: { ...server, environment: 'staging' } })
  expect((await list()).toSorted()).toEqual([own, id].toSorted())
})

test('what a key may not be is refused', async () => {
  const past = new Date(kit.clock.nowMs).toISOString()
  const cases: [object, string[]][] = [
    [{ ...server, environment: 'none' }, ['/environment']],
    [{ class: 'server', name: 'k' }, ['/environment']],
    [{ ...server, role: 'admin' }, ['/role']],
    [{ ...server, origins: [] }, ['/origins']],
    [{ ...server, expiresAt: past }, ['/expiresAt']],
    [{ ...server, expiresAt: '2026-12-01' }, ['/expiresAt']],
    [{ class: 'management', name: 'k' }, ['/role']],
    [{ class: 'other', name: 'k' }, ['/class']],
    [{ ...client, name: '' }, ['/name']],
    [{ ...client, origins: Array.from({ length: 16 }, () => 'https://a.example') }, ['/origins']],
  ]
  const before = await kit.stored()
  for (const [body, pointers] of cases)
    expect(pointersOf(await kit.call('POST', keys, { body }))).toEqual(pointers)
  expect(await kit.stored()).toEqual(before)
})

test('an origin is written as a browser sends it', async () => {
  const bad = [
    'https://Shop.example',
    'https://shop.example/',
    'https://shop.example:443',
    'shop.example',
    'ftp://a.example',
  ]
  const worse = [
    'https://a.example?x',
    'https://u@a.example',
    'https://a"b',
    'https://*.example',
    'null',
    'https://é.example',
    '',
  ]
  for (const origin of [...bad, ...worse]) {
    const pointers = pointersOf(await kit.call('POST', keys, { body: { ...client, origins: [origin] } }))
    expect({ origin, pointers: new Set(pointers) }).toEqual({ origin, pointers: new Set(['/origins/0']) })
  }
  const origins = [
    'https://shop.example',
    'http://localhost:5173',
    'http://[::1]:3000',
    'https://xn--9ca.example',
  ]
  expect((await kit.ok('POST', keys, { body: { ...client, origins } })).origins).toEqual(origins)
})

test('when a key was last used is noted once a day', async () => {
  const token = await kit.makeToken()
  const { key } = await kit.ok('GET', '/whoami', { token })
  const day = async () =>
    (await kit.sql<{ day: string }>('select last_used_on::text as day from api_keys where id = $1', [key]))[0]
      ?.day
  const today = new Date(kit.clock.nowMs).toISOString().slice(0, 10)
  expect(await day()).toBe(today)
  await kit.sql("update api_keys set last_used_on = '2020-01-01' where id = $1", [key])
  await kit.ok('GET', '/whoami', { token })
  expect(await day()).toBe(today)
  const [before] = await kit.sql('select xmin::text from api_keys where id = $1', [key])
  await kit.ok('GET', '/whoami', { token })
  expect(await kit.sql('select xmin::text from api_keys where id = $1', [key])).toEqual([before])
})
