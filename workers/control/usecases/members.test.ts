import { expect, test } from 'vitest'
import { limits } from '@halyard/shared/contract/limits.ts'
import { expectProblem, pointersOf, production, shop } from '../test-kit.ts'
import { csvHeaders, headers, next, useMembers } from './members-kit.ts'

const kit = useMembers()

test('a segment begins without a large list', async () => {
  expect(await kit.ok('GET', kit.members)).toEqual({
    count: 0,
    hash: null,
    added: [],
    removed: [],
    uploads: [],
  })
})

test.each([
  ['an id that is too long', JSON.stringify('x'.repeat(257)), 'line 1', '1 to 256 characters'],
  ['an empty id', '"a"\n""', 'line 2', '1 to 256 characters'],
  ['half of a surrogate pair', '"\\ud800"', 'line 1', 'surrogate'],
  ['U+0000', '"a\\u0000"', 'line 1', 'U+0000'],
  ['no id at all', '\n \n', 'body', 'DELETE'],
  ['nothing', '', 'body', 'DELETE'],
  ['bytes that are not UTF-8', new Uint8Array([34, 97, 34, 10, 34, 0xff, 34]), 'body', 'UTF-8'],
])('a whole list with %s is refused', async (_, body, pointer, detail) => {
  const before = await kit.stored()
  const reply = await kit.call('PUT', kit.members, { body, headers })
  expect(pointersOf(reply)).toEqual([pointer])
  expect(reply.body.errors[0].detail).toContain(detail)
  expect(await kit.stored()).toEqual(before)
})

test('many wrong lines are named up to twenty', async () => {
  const reply = await kit.call('PUT', kit.members, { body: 'x\n'.repeat(1_000), headers })
  expect(pointersOf(reply)).toHaveLength(20)
})

test('a whole list of at most 1 MiB is committed at once, from CSV too', async () => {
  const csv = '\ufeffplan,"user id"\r\npro,u1\r\nfree,"u,2"\r\npro,u1\r\n'
  const put = await kit.ok('PUT', `${kit.members}?column=user%20id&comment=by%20hand`, {
    body: csv,
    headers: csvHeaders,
  })
  expect(put.count).toBe(2)
  expect(await kit.held(put.hash, ['u1', 'u,2', 'pro'])).toEqual([true, true, false])
  expect((await kit.lastAudit()).comment).toBe('by hand')
  const first = await kit.ok('PUT', kit.members, { body: csv, headers: csvHeaders })
  expect(await kit.held(first.hash, ['pro', 'free', 'plan', 'u1'])).toEqual([true, true, false, false])
  const missing = await kit.call('PUT', `${kit.members}?column=id`, { body: csv, headers: csvHeaders })
  expect(missing.body.errors).toMatchObject([
    { pointer: 'line 1', detail: expect.stringContaining('plan, user id') },
  ])
})

test('the same ids in another order and form are the same list, and change nothing', async () => {
  const { hash } = await kit.ok('PUT', kit.members, { body: '"5"\n"a"', headers })
  const before = await kit.present()
  const again = await kit.ok('PUT', kit.members, { body: 'id\na\n5\na\n', headers: csvHeaders })
  expect(again).toMatchObject({ hash, count: 2 })
  expect(await kit.present()).toBe(before)
})

test('single ids come and go in the overlay, whatever the list holds', async () => {
  const { hash } = await kit.ok('PUT', kit.members, { body: '"a"\n"b"', headers })
  expect(await kit.edit({ add: ['c', 'd'], remove: ['a'] })).toMatchObject({
    hash,
    added: ['c', 'd'],
    removed: ['a'],
  })
  const before = await kit.present()
  expect(await kit.edit({ add: ['a', 'c'], remove: ['d', 'zz'] })).toMatchObject({
    hash,
    count: 2,
    added: ['c', 'a'],
    removed: ['d', 'zz'],
  })
  expect(await kit.present()).toBe(next(before))
  expect(await kit.edit({ add: ['c'] })).toMatchObject({ versions: { production: next(before) } })
})

test('an overlay that would be more than a thousand ids is worked into the list', async () => {
  const { hash } = await kit.ok('PUT', kit.members, { body: '"a"\n"b"\n"new-1"', headers })
  const full = await kit.edit({ add: some('new', 600), remove: [...some('old', 399), 'a'] })
  expect(full.hash).toBe(hash)
  expect(full.added.length + full.removed.length).toBe(limits.memberEdits)
  const rebuilt = await kit.edit({ remove: ['new-0'], add: ['one-more'] })
  expect(rebuilt).toMatchObject({ count: 601, added: [], removed: [] })
  const asked = ['a', 'b', 'new-0', 'new-1', 'new-599', 'one-more', 'old-1']
  expect(await kit.held(rebuilt.hash, asked)).toEqual([false, true, false, true, true, true, false])
})

test('ids may be added where there is no list yet, and a list of nobody is none', async () => {
  const first = await kit.edit({ add: ['a', 'b'] })
  expect(first).toMatchObject({ count: 2, added: [], removed: [] })
  expect(await kit.held(first.hash, ['a', 'b', 'c'])).toEqual([true, true, false])
  await kit.edit({ remove: ['a', 'b'] })
  const everybody = Array.from({ length: 1_000 }, (_, i) => `nobody-${i}`)
  expect(await kit.edit({ remove: everybody })).toMatchObject({
    count: 0,
    hash: null,
    added: [],
    removed: [],
  })
})

test('an edit names an id once, and at most a thousand on each side', async () => {
  expect(pointersOf(await tryEdit({ add: ['a', 'b'], remove: ['c', 'b'] }))).toEqual(['/remove/1'])
  const many = Array.from({ length: 1_001 }, (_, i) => `${i}`)
  expect(pointersOf(await tryEdit({ add: many }))).toEqual(['/add'])
  expect(pointersOf(await tryEdit({ remove: [''] }))).toEqual(['/remove/0'])
})

test('a commit empties the overlay, and DELETE the list', async () => {
  await kit.ok('PUT', kit.members, { body: '"a"', headers })
  await kit.edit({ add: ['b'], remove: ['a'] })
  expect(await kit.ok('PUT', kit.members, { body: '"a"\n"c"', headers })).toMatchObject({
    added: [],
    removed: [],
  })
  const before = await kit.present()
  expect(await kit.ok('DELETE', kit.members)).toMatchObject({
    count: 0,
    hash: null,
    versions: { production: next(before) },
  })
  expect(await kit.lastAudit()).toMatchObject({ after: { state: { members: null } } })
})

test('every write heeds If-Match, and none needs it', async () => {
  const { headers: found } = await kit.call('GET', kit.members)
  const etag = found.get('etag') ?? ''
  await kit.edit({ add: ['a'] })
  const ifMatch = { 'if-match': etag }
  await kit.put(1, '1')
  const stale = [
    kit.call('PATCH', kit.members, { body: { add: ['b'] }, headers: ifMatch }),
    kit.call('PUT', kit.members, { body: '1', headers: { ...headers, ...ifMatch } }),
    kit.call('DELETE', kit.members, { headers: ifMatch }),
    kit.call('POST', `${kit.members}/commit`, { body: { upload: 'nightly', parts: 1 }, headers: ifMatch }),
  ]
  for (const reply of await Promise.all(stale))
    expect(expectProblem(reply, 'precondition_failed')).toMatchObject({ current: { count: 1 } })
})

test('the lists of an environment are at most 32 MiB together, each counted once', async () => {
  await kit.ok('PUT', kit.members, { body: '1\n2', headers })
  const [other] = await kit.sql<{ id: string }>('select id from segments where key = $1', [kit.key])
  const setCount = (count: number) =>
    kit.sql(
      `update segment_states set state = replace(state::text, '"count":2', '"count":' || $2)::json
       where segment_id = $1 and state::text like '%"count":2%'`,
      [other?.id, String(count)],
    )
  await setCount(limits.blobBytesPerEnvironment / 8 - 1)
  const { members: place } = await kit.makeSegment()
  const before = await kit.storedButBlobs()
  const reply = await kit.call('PUT', place, { body: '7\n8', headers })
  expect(expectProblem(reply, 'limit_reached').detail).toContain(`${limits.blobBytesPerEnvironment} bytes`)
  expect(await kit.storedButBlobs()).toEqual(before)
  await kit.ok('DELETE', kit.members)
  await kit.ok('PUT', place, { body: '7\n8', headers })
})

test('the list of an archived segment is left as it is', async () => {
  await kit.put(1, '1')
  await kit.ok('DELETE', `${shop}/segments/${kit.key}`)
  const replies = [
    kit.call('PUT', `${kit.members}?upload=nightly&part=1`, { body: '1', headers }),
    kit.call('PUT', kit.members, { body: '1', headers }),
    kit.call('POST', `${kit.members}/commit`, { body: { upload: 'nightly', parts: 1 } }),
    kit.call('PATCH', kit.members, { body: { add: ['1'] } }),
    kit.call('DELETE', kit.members),
  ]
  for (const reply of await Promise.all(replies)) expectProblem(reply, 'segment_archived')
})

test('evaluation and explanation here know the lists, those of past versions too', async () => {
  const headersOfPatch = { 'if-match': '*' }
  const rules = [{ when: { segment: kit.key }, serve: { variant: 'on' } }]
  const flag = `${production}/flags/checkout`
  await kit.ok('PATCH', flag, {
    body: { enabled: true, rules, fallthrough: { variant: 'off' } },
    headers: headersOfPatch,
  })
  const first = await kit.ok('PUT', kit.members, { body: '"u1"', headers })
  await kit.ok('PUT', kit.members, { body: '"u2"', headers })
  const variantOf = async (user: string, version?: string) => {
    const query = `targetingKey=${user}${version === undefined ? '' : `&version=${version}`}`
    return (await kit.ok('GET', `${flag}/explain?${query}`)).decision.variant
  }
  expect([await variantOf('u1'), await variantOf('u2')]).toEqual(['off', 'on'])
  const { production: version } = first.versions
  expect([await variantOf('u1', version), await variantOf('u2', version)]).toEqual(['on', 'off'])
  const body = { context: { targetingKey: 'u2' } }
  const { flags } = await kit.ok('POST', `${production}/evaluate`, { body })
  expect(flags).toContainEqual(expect.objectContaining({ key: 'checkout', variant: 'on' }))
})

test('lists belong to one environment, and short forms name it by the token', async () => {
  const token = await kit.makeToken({ project: 'shop', environment: 'staging' })
  const own = `/segments/${kit.key}/members`
  await kit.ok('PUT', `${own}?upload=u&part=1`, { body: '1\n2', headers, token })
  expect(await kit.ok('POST', `${own}/commit`, { body: { upload: 'u', parts: 1 }, token })).toMatchObject({
    count: 2,
  })
  expect(await kit.ok('PATCH', own, { body: { add: ['3'] }, token })).toMatchObject({ added: ['3'] })
  expect(await kit.ok('GET', own, { token })).toMatchObject({ count: 2, uploads: [{ upload: 'u' }] })
  expect(await kit.ok('GET', kit.members)).toMatchObject({ count: 0, uploads: [] })
  expect(await kit.ok('DELETE', own, { token })).toMatchObject({ count: 0 })
  expectProblem(await kit.call('GET', kit.members, { token }), 'environment_not_found')
})

const some = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`)
const tryEdit = (body: object) => kit.call('PATCH', kit.members, { body })
