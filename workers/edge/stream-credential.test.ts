import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { makeCredentials, windowMs, type StreamClaims } from './stream-credential.ts'

const claims: StreamClaims = { environment: 'env_1', key: 'key_1', class: 'client' }
const now = 1_700_000_000_000
/** A secret that is long enough. */
const long = (text: string) => text.padEnd(32, '.')
const two = (first: string, second: string) =>
  JSON.stringify([first, second].map((kid) => ({ kid, secret: long(kid) })))

test('a credential says whose it is, and is good for half an hour to an hour', async () => {
  const { issue, read, windowOf } = makeCredentials(long('secret'))
  const credential = await issue(claims, now)
  const { expiresAt } = windowOf(claims.key, now)
  expect(decodeJwt(credential)).toEqual({ ...claims, exp: Math.floor(expiresAt / 1000) })
  expect(expiresAt - now).toBeGreaterThanOrEqual(windowMs)
  expect(expiresAt - now).toBeLessThanOrEqual(2 * windowMs)
  expect(await read(credential, now)).toEqual(claims)
  expect(await read(credential, expiresAt - 1_000)).toEqual(claims)
  expect(await read(credential, expiresAt)).toBeNull()
})

test('every location makes the same credential, for the whole of a window', async () => {
  const { windowOf } = makeCredentials(long('secret'))
  const { endsAt, mark } = windowOf(claims.key, now)
  const made = await Promise.all(
    [now, endsAt - windowMs, endsAt - 1].map((at) => makeCredentials(long('secret')).issue(claims, at)),
  )
  expect(new Set(made).size).toBe(1)
  expect(windowOf(claims.key, endsAt - 1).mark).toBe(mark)
  expect(windowOf(claims.key, endsAt).mark).not.toBe(mark)
  expect(await makeCredentials(long('secret')).issue(claims, endsAt)).not.toBe(made[0])
})

test('the windows of keys do not all end in one moment', () => {
  const { windowOf } = makeCredentials(long('secret'))
  const ends = Array.from({ length: 60 }, (_, i) => windowOf(`key_${i}`, now).endsAt)
  const minutes = new Set(ends.map((end) => Math.floor(end / 60_000)))
  expect(minutes.size).toBeGreaterThan(15)
})

test('of two secrets the first signs and both verify; one that is gone does not', async () => {
  const before = makeCredentials(two('a', 'b'))
  const during = makeCredentials(two('c', 'a'))
  const after = makeCredentials(two('c', 'd'))
  const old = await before.issue(claims, now)
  expect(decodeProtectedHeader(old)).toMatchObject({ alg: 'HS256', kid: 'a' })
  expect(await during.read(old, now)).toEqual(claims)
  expect(decodeProtectedHeader(await during.issue(claims, now)).kid).toBe('c')
  expect(await after.read(old, now)).toBeNull()
  expect(before.windowOf(claims.key, now).mark, 'another secret makes another text').not.toBe(
    during.windowOf(claims.key, now).mark,
  )
})

test('nothing else opens a stream: changed, cut, of another secret, another kind or algorithm', async () => {
  const { issue, read } = makeCredentials(long('secret'))
  const credential = await issue(claims, now)
  const [header = '', payload = '', signature = ''] = credential.split('.')
  const other = Buffer.from(JSON.stringify({ ...claims, class: 'server', exp: 9e9 })).toString('base64url')
  const none = Buffer.from(JSON.stringify({ alg: 'none', kid: '1', typ: 'halyard-stream' })).toString(
    'base64url',
  )
  const secret = new TextEncoder().encode(long('secret'))
  const jwt = (typ: string) =>
    new SignJWT({ ...claims, exp: 9e9 }).setProtectedHeader({ alg: 'HS256', kid: '1', typ })
  expect(await read(await jwt('halyard-stream').sign(secret), now), 'the test can make good ones').toEqual(
    claims,
  )
  const forged = [
    `${header}.${other}.${signature}`,
    `${none}.${other}.`,
    `${header}.${payload}.`,
    `${header}.${payload}`,
    credential.slice(1),
    await makeCredentials(long('another')).issue(claims, now),
    await jwt('JWT').sign(secret),
    '',
    'hyd_srv_x',
    `${credential}${'x'.repeat(2_000)}`,
  ]
  for (const text of forged) expect(await read(text, now)).toBeNull()
})

test.each([
  ['nothing', ''],
  ['an empty list', '[]'],
  ['three secrets', JSON.stringify(['a', 'b', 'c'].map((kid) => ({ kid, secret: long('s') })))],
  ['a secret without a name', JSON.stringify([{ secret: long('s') }])],
  ['an empty secret', '[{"kid":"a","secret":""}]'],
  ['a short text', 's'.repeat(31)],
  ['a short secret behind a long one', `[{"kid":"a","secret":"${long('s')}"},{"kid":"b","secret":"s"}]`],
])('%s is no STREAM_SECRET', (_, text) => {
  expect(() => makeCredentials(text)).toThrow('STREAM_SECRET must be')
})
