import { expect, test } from 'vitest'
import { limits } from '@halyard/shared/contract/limits.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { readBlob } from '../store/segment-blobs.ts'
import { expectProblem, pointersOf, production, type CallOptions } from '../test-kit.ts'
import { csvHeaders, headers, next, useMembers } from './members-kit.ts'

const kit = useMembers()

test('a list is uploaded in parts, in any order and cut anywhere, and committed at once', async () => {
  const ids = Array.from({ length: 500 }, (_, i) => `user-${i}-é`)
  const bytes = new TextEncoder().encode(ids.map((id) => `${JSON.stringify(id)}\n`).join(''))
  // The first border lies within a character, the next within a line.
  const parts = [bytes.slice(0, 9), bytes.slice(9, 3_000), bytes.slice(3_000)]
  expect(bytes[8]).toBe(0xc3)
  for (const part of [3, 1, 2]) await kit.put(part, parts[part - 1])
  const before = await kit.present()
  const { count, hash, versions } = await kit.commit({ parts: 3, comment: 'from the warehouse' })
  expect({ count, versions }).toEqual({ count: 500, versions: { production: next(before) } })
  expect(await kit.held(hash, [...ids, 'user-500-é'])).toEqual([...ids.map(() => true), false])
  expect(await kit.lastAudit()).toMatchObject({
    action: 'segment.members',
    resource: `segment/${kit.key}`,
    environment: 'production',
    comment: 'from the warehouse',
    before: { state: { members: null } },
    after: { state: { members: { hash, count: 500, added: [], removed: [] } } },
  })
})

test('an upload that broke off is gone on with: its progress names what is held and what is missing', async () => {
  const [first, third] = ['"a"\n"b', '\n"c"\n']
  await kit.put(1, first)
  await kit.put(3, third)
  const [upload] = (await kit.ok('GET', `${kit.members}?upload=nightly`)).uploads
  expect(upload).toMatchObject({ upload: 'nightly', format: 'ndjson', missing: [2], committed: false })
  expect(upload.parts).toEqual([
    { part: 1, bytes: first.length, sha256: await sha256Hex(first) },
    { part: 3, bytes: third.length, sha256: await sha256Hex(third) },
  ])
  const refused = await kit.call('POST', `${kit.members}/commit`, { body: { upload: 'nightly', parts: 5 } })
  expect(expectProblem(refused, 'upload_incomplete').detail).toBe('missing of 5: 2, 4, 5')
  await kit.put(2, 'efore"')
  await kit.put(2, '"') // sent again: the last one counts
  expect(await kit.commit({ parts: 3 })).toMatchObject({ count: 3 })
  const after = await kit.ok('GET', `${kit.members}?upload=nightly`)
  expect(after.uploads).toMatchObject([{ parts: [], missing: [], committed: true }])
  expect(await kit.held(after.hash, ['a', 'b', 'c', 'before'])).toEqual([true, true, true, false])
})

const tryCommit = (body: object) =>
  kit.call('POST', `${kit.members}/commit`, { body: { upload: 'nightly', ...body } })

test('a commit whose answer was lost may be sent again: it is answered alike, and changes nothing', async () => {
  await kit.put(1, 'user,mail\n1,a\n2,b', 'csv', csvHeaders)
  const options = { body: { upload: 'csv', parts: 1, column: 'mail' } }
  const first = await kit.call('POST', `${kit.members}/commit`, options)
  await kit.edit({ add: ['c'], remove: ['a'] })
  await kit.ok('POST', `${production}/flags/checkout/toggle`) // another version
  const before = await kit.stored()
  for (const format of [undefined, 'csv']) {
    const again = await kit.call('POST', `${kit.members}/commit`, { body: { ...options.body, format } })
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
  }
  expect(await kit.stored()).toEqual(before)
})

test('a commit of other settings than the one that was made is refused, and told what to do', async () => {
  await kit.put(1, 'user,mail\n1,a\n2,b', 'csv', csvHeaders)
  const settings = { upload: 'csv', parts: 1, column: 'mail' }
  await kit.ok('POST', `${kit.members}/commit`, { body: settings })
  const before = await kit.stored()
  for (const other of [{ parts: 2 }, { column: 'user' }, { column: undefined }, { format: 'ndjson' }]) {
    const { detail } = expectProblem(await tryCommit({ ...settings, ...other }), 'upload_changed')
    expect(detail).toContain('parts: 1, csv, column "mail"): to change them, send its parts again')
  }
  expect(await kit.stored()).toEqual(before)
})

const replacements: [string, () => Promise<unknown>][] = [
  [
    'another commit',
    async () => (await kit.put(1, '9', 'later'), await kit.commit({ upload: 'later', parts: 1 })),
  ],
  ['a whole list', () => kit.ok('PUT', kit.members, { body: '9', headers })],
  ['the same list again', () => kit.ok('PUT', kit.members, { body: '1\n2', headers })],
  ['DELETE', () => kit.ok('DELETE', kit.members)],
]

test.for(replacements)(
  'after %s an earlier commit is not made again, and does not say that it stands',
  async ([, replace]) => {
    await kit.put(1, '1\n2')
    await kit.commit({ parts: 1 })
    await replace()
    const before = await kit.stored()
    const { detail } = expectProblem(await tryCommit({ parts: 1 }), 'upload_changed')
    expect(detail).toContain('replaced or emptied since: send its parts again')
    expect(await kit.stored()).toEqual(before)
  },
)

test('a part under the name of a committed upload begins it anew, in any format', async () => {
  await kit.put(1, '"a"\n')
  await kit.put(2, '"b"')
  await kit.commit({ parts: 2 })
  await kit.put(1, 'id\nc\n', 'nightly', csvHeaders)
  const { uploads, count } = await kit.ok('GET', kit.members)
  expect(uploads).toMatchObject([{ format: 'csv', committed: false, parts: [{ part: 1 }] }])
  expect(count).toBe(2) // until the commit the list stands
  const { hash } = await kit.commit({ parts: 1 })
  expect(await kit.held(hash, ['a', 'b', 'c'])).toEqual([false, false, true])
})

test('an upload that is discarded is gone with its parts, and the list stays', async () => {
  await kit.put(1, '1\n2')
  const { hash } = await kit.commit({ parts: 1 })
  await kit.put(1, '3', 'wrong')
  await kit.put(7, '4', 'wrong')
  await kit.put(1, '5', 'other')
  const before = await kit.present()
  const reply = await kit.ok('DELETE', `${kit.members}?upload=wrong`)
  expect(reply).toMatchObject({ count: 2, hash, versions: { production: before } })
  expect(reply.uploads.map(({ upload }: { upload: string }) => upload)).toEqual(['nightly', 'other'])
  expect(await kit.sql("select 1 from segment_upload_parts where upload = 'wrong'")).toEqual([])
  expectProblem(await kit.call('DELETE', `${kit.members}?upload=wrong`), 'upload_not_found')
  expect(await kit.ok('GET', kit.members)).toMatchObject({ count: 2, hash })
})

test('a shorter list under the name of a longer one that broke off is told to discard that first', async () => {
  for (const part of [1, 2]) await kit.put(part, `"${part}"\n`)
  const { errors } = expectProblem(await tryCommit({ parts: 1 }), 'invalid_input')
  expect(errors?.[0]?.detail).toContain('discard it (DELETE …/members?upload=nightly)')
  await kit.ok('DELETE', `${kit.members}?upload=nightly`)
  await kit.put(1, '"1"')
  expect(await kit.commit({ parts: 1 })).toMatchObject({ count: 1 })
})

test('of two commits at once of one upload one is made, and both are answered', async () => {
  await kit.put(1, '"a"\n"b"')
  const before = await kit.present()
  const answers = await Promise.all([kit.commit({ parts: 1 }), kit.commit({ parts: 1 })])
  expect(answers[0]).toEqual(answers[1])
  expect(await kit.present()).toBe(next(before))
})

test('of two lists committed at once the later stands whole, and both are in the audit', async () => {
  await kit.put(1, '"a"\n"b"', 'one')
  await kit.put(1, '"c"', 'two')
  const before = await kit.present()
  const answers = await Promise.all(
    ['one', 'two'].map((upload) => kit.ok('POST', `${kit.members}/commit`, { body: { upload, parts: 1 } })),
  )
  const now = await kit.ok('GET', kit.members)
  const last = answers.find(({ versions }) => versions.production === next(next(before)))
  expect(last).toMatchObject({ hash: now.hash, count: now.count })
  expect(await kit.held(now.hash, ['a', 'b', 'c'])).toEqual(
    now.count === 2 ? [true, true, false] : [false, false, true],
  )
})

test('a part that is sent while its upload is committed refuses the commit', async () => {
  await kit.put(1, '"a"')
  await kit.put(2, '\n"b"')
  const { db } = kit.deps
  let writes = 0
  const slow: typeof db = {
    ...db,
    async write(org, work) {
      // The first write stores the blob: the parts are read by then, and the change has not begun.
      if (writes++ === 0) await kit.put(2, '\n"c"')
      return await db.write(org, work)
    },
  }
  const options: CallOptions = { body: { upload: 'nightly', parts: 2 }, deps: { db: slow } }
  expectProblem(await kit.call('POST', `${kit.members}/commit`, options), 'upload_changed')
  expect((await kit.ok('GET', kit.members)).hash).toBeNull()
  const { hash } = await kit.commit({ parts: 2 })
  expect(await kit.held(hash, ['a', 'b', 'c'])).toEqual([true, false, true])
})

test('a wrong line is named with its number, and nothing is written', async () => {
  await kit.ok('PUT', kit.members, { body: '"old"', headers })
  await kit.put(1, '"a"\nuser-b\n{"i')
  await kit.put(2, 'd":true}\n"c"\n')
  const before = await kit.storedButBlobs()
  const reply = await kit.call('POST', `${kit.members}/commit`, { body: { upload: 'nightly', parts: 2 } })
  expect(pointersOf(reply)).toEqual(['line 2', 'line 3'])
  expect(reply.body.errors[0].detail).toContain(
    'allowed are a text, a number, or an object whose "id" is one',
  )
  expect(await kit.storedButBlobs()).toEqual(before)
})

test('a body of another media type, or over 1 MiB, is refused', async () => {
  const url = `${kit.members}?upload=nightly&part=1`
  const json = await kit.call('PUT', url, { body: ['a'] })
  expect(expectProblem(json, 'unsupported_media_type').detail).toContain('application/x-ndjson or text/csv')
  const large = await kit.call('PUT', url, { body: 'x'.repeat(1024 * 1024 + 1), headers })
  expectProblem(large, 'body_too_large')
  await kit.put(1, 'x'.repeat(1024 * 1024))
})

test('the parts of an upload are of one format, and its commit may name another', async () => {
  await kit.put(1, '"a"\n')
  const url = `${kit.members}?upload=nightly&part=2`
  expect(pointersOf(await kit.call('PUT', url, { body: 'a', headers: csvHeaders }))).toEqual(['Content-Type'])
  await kit.put(2, '"b"\n')
  expect(await kit.commit({ parts: 2, format: 'csv' })).toMatchObject({ count: 1 })
})

test.each([
  ['upload=nightly', ['part']],
  ['part=1', ['part']],
  ['upload=nightly&part=0', ['part']],
  ['upload=nightly&part=513', ['part']],
  ['upload=nightly&part=x', ['part']],
  ['upload=a%2Fb&part=1', ['upload']],
  ['upload=nightly&part=1&column=id', ['column']],
])('the query %s is refused', async (query, pointers) => {
  const reply = await kit.call('PUT', `${kit.members}?${query}`, { body: '1', headers })
  expect(pointersOf(reply)).toEqual(pointers)
})

test('a commit that does not fit its upload is refused', async () => {
  await kit.put(1, '1')
  await kit.put(2, '2')
  const commitOf = (body: object) => kit.call('POST', `${kit.members}/commit`, { body })
  expectProblem(await commitOf({ upload: 'other', parts: 1 }), 'upload_not_found')
  expect(pointersOf(await commitOf({ upload: 'nightly', parts: 1 }))).toEqual(['/parts'])
  expect(pointersOf(await commitOf({ upload: 'nightly', parts: 2, column: 'id' }))).toEqual(['/column'])
  expectProblem(await kit.call('GET', `${kit.members}?upload=other`), 'upload_not_found')
})

test('a commit with an Idempotency-Key is answered again as it was', async () => {
  await kit.put(1, '1\n2')
  const options = {
    body: { upload: 'nightly', parts: 1 },
    headers: { 'idempotency-key': `commit-${kit.key}` },
  }
  const first = await kit.ok('POST', `${kit.members}/commit`, options)
  await kit.edit({ add: ['3'] })
  const again = await kit.call('POST', `${kit.members}/commit`, options)
  expect(again.body).toEqual(first)
  expect(again.headers.get('idempotency-replayed')).toBe('true')
})

test('an upload to which nothing came for a day is dropped with its parts, and so is a blob that was not committed', async () => {
  await kit.put(1, '"kept"')
  const { hash } = await kit.commit({ parts: 1 })
  await kit.put(1, '"lost"', 'abandoned')
  await kit.put(1, '"early"\nnope', 'wrong')
  const stale = await sha256Hex('not committed')
  await kit.sql('insert into segment_blobs values ($1, $2, 1, false, $3)', [
    kit.orgId,
    stale,
    new Date(kit.clock.nowMs),
  ])
  kit.clock.nowMs += 86_400_000 - 1
  await kit.put(1, '"fresh"', 'fresh')
  expect((await kit.ok('GET', kit.members)).uploads.map(({ upload }: { upload: string }) => upload)).toEqual([
    'abandoned',
    'fresh',
    'nightly',
    'wrong',
  ])
  kit.clock.nowMs += 2
  await kit.put(2, '"fresh"', 'fresh')
  await kit.ok('PUT', kit.members, { body: '"x"', headers })
  const { uploads } = await kit.ok('GET', kit.members)
  expect(uploads).toMatchObject([{ upload: 'fresh' }])
  expect(await kit.sql('select 1 from segment_upload_parts where upload = $1', ['abandoned'])).toEqual([])
  expect(await readBlob(kit.deps.db, { orgId: kit.orgId, hash: stale })).toBeNull()
  expect(await readBlob(kit.deps.db, { orgId: kit.orgId, hash })).not.toBeNull() // history needs it, though no state names it now
})

test('at most ten uploads of an environment are open at a time', async () => {
  await kit.sql('delete from segment_uploads')
  for (let i = 0; i < limits.uploadsPerEnvironment; i++) await kit.put(1, '1', `upload-${i}`)
  const url = `${kit.members}?upload=one-more&part=1`
  const { detail } = expectProblem(await kit.call('PUT', url, { body: '1', headers }), 'limit_reached')
  expect(detail).toContain('discard one (DELETE …/members?upload=NAME)')
  await kit.ok('DELETE', `${kit.members}?upload=upload-1`)
  await kit.put(1, '1', 'upload-1')
  expectProblem(await kit.call('PUT', url, { body: '1', headers }), 'limit_reached')
  await kit.put(2, '\n2', 'upload-0')
  await kit.ok('POST', `${kit.members}/commit`, { body: { upload: 'upload-0', parts: 2 } })
  await kit.ok('PUT', url, { body: '1', headers })
})

test('a list of a million ids is taken from parts', { timeout: 120_000 }, async () => {
  const lines = Array.from({ length: limits.segmentMembers }, (_, i) => `${1_000_000 + i}\n`).join('')
  const bytes = new TextEncoder().encode(lines)
  const count = Math.ceil(bytes.length / limits.bodyBytes)
  for (let i = 0; i < count; i++)
    await kit.put(i + 1, bytes.slice(i * limits.bodyBytes, (i + 1) * limits.bodyBytes))
  const { hash, ...committed } = await kit.commit({ parts: count })
  expect(committed.count).toBe(1_000_000)
  const asked = ['1000000', '1999999', '999999', '2000000']
  expect(await kit.held(hash, asked)).toEqual([true, true, false, false])
  expect(await kit.edit({ add: ['2000000'] })).toMatchObject({ hash, added: ['2000000'] })
})
