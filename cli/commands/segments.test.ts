import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { useApi } from '../api.test-kit.ts'
import { emptyFolder } from '../test-kit.ts'

const api = useApi()
const { cli, json, told } = api

const members = '/api/v1/orgs/acme/projects/shop/environments/development/segments/customers/members'

function fileOf(name: string, lines: readonly string[]): string {
  const folder = emptyFolder()
  writeFileSync(join(folder, name), lines.join('\n'))
  return join(folder, name)
}

/** More than two parts. */
const many = Array.from({ length: 300_000 }, (_, i) => `"user-${i}"`)

test('segments are created, listed, read, changed, archived and restored', async () => {
  await json('segments', 'create', 'beta', '--name', 'Beta', '--include', 'u1', 'u2', '--env', 'staging')
  expect(await told('segments', 'list', '--env', 'staging')).toMatch(/^beta +2 ids +targetingKey +Beta$/m)
  expect(await told('segments', 'list')).toMatch(/^beta +nothing /m)
  const when = '{"attribute":"plan","op":"eq","value":"pro"}'
  const args = ['segments', 'update', 'beta', '--env', 'staging']
  expect(await json(...args, '--when', when, '--include', '', '--exclude', 'u9')).toMatchObject({
    include: [],
    exclude: ['u9'],
  })
  expect(await told('segments', 'get', 'beta', '--env', 'staging')).toMatch(/^when +plan is "pro"$/m)
  expect(await json(...args, '--when', 'none')).toMatchObject({ when: null })
  expect(await json(...args, '--when', fileOf('when.json', [when]))).toMatchObject({ when: { value: 'pro' } })
  expect(await told('segments', 'update', 'beta', '--tags', 'crm')).toBe('updated beta\n')
  expect(await json('segments', 'get', 'beta')).toMatchObject({ tags: ['crm'], environment: 'development' })
  expect((await cli(['segments', 'archive', 'beta'])).code).toBe(3)
  expect(await told('segments', 'archive', 'beta', '--yes')).toBe('archived beta\n')
  expect((await json('segments', 'list', '--archived')).segments).toMatchObject([{ key: 'beta' }])
  expect(await told('segments', 'restore', 'beta', '--yes')).toBe('restored beta\n')
})

test.each([
  [['segments', 'update', 'beta'], 'there is nothing to change'],
  [['segments', 'update', 'beta', '--name', 'x', '--include', 'y'], 'that is two changes'],
  [['segments', 'update', 'beta', '--when', '[]'], 'cannot be read'],
  [['segments', 'update', 'beta', '--when', '{'], '--when is neither'],
  [['segments', 'members', 'upload', 'customers', 'ids.txt'], 'give --format ndjson or --format csv'],
  [['segments', 'members', 'upload', 'customers', 'nope.csv'], 'nope.csv cannot be read'],
  [['segments', 'members', 'upload', 'customers', 'a.ndjson', '--column', 'id'], '--column is for a CSV'],
])('%j is a usage error', async (args, reason) => {
  const { code, stderr } = await cli(args)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(reason) })
})

test('members are uploaded in parts, edited and cleared', async () => {
  await json('segments', 'create', 'customers')
  const path = fileOf('users.csv', ['plan,user_id', ...many.map((id) => `pro,${id}`)])
  const text = await told('segments', 'members', 'upload', 'customers', path, '--column', 'user_id')
  expect(text).toMatch(/^customers in development \(version 1\.\d+\): the list has 300,000 ids\n$/)
  expect(await told('segments', 'members', 'add', 'customers', 'tester-1', 'tester-2')).toBe(
    'added 2: the list has 300,000 ids, and 2 added, 0 removed since\n',
  )
  expect(await json('segments', 'members', 'remove', 'customers', 'user-7')).toMatchObject({
    removed: ['user-7'],
  })
  expect(await told('segments', 'members', 'get', 'customers')).toMatch(
    /^added since +tester-1 and tester-2$/m,
  )
  expect(await told('segments', 'members', 'clear', 'customers')).toBe('emptied: the list has 0 ids\n')
})

test('an upload goes on where it broke off, and one that is done is not sent again', async () => {
  await json('segments', 'create', 'resumed')
  const path = fileOf('ids.ndjson', many)
  const args = ['segments', 'members', 'upload', 'resumed', path]
  const puts: string[] = []
  let isBroken = true
  api.onRequest(({ method = '', url = '' }) => {
    if (method !== 'PUT') return true
    puts.push(url)
    return !(isBroken && url.includes('part=3'))
  })
  const broken = await cli(args)
  expect(broken).toMatchObject({ code: 1, stdout: '' })
  const held = (await json('segments', 'members', 'get', 'resumed')).uploads
  expect(held).toMatchObject([
    { committed: false, parts: [{ part: 1 }, { part: 2 }, ...held[0].parts.slice(2)] },
  ])
  isBroken = false
  puts.length = 0
  expect(await told(...args)).toContain('the list has 300,000 ids')
  expect(puts.filter((url) => /part=[12]&?$|part=[12]\b/.test(url))).toEqual([])
  expect(puts.length).toBeGreaterThan(0)
  puts.length = 0
  expect(await told(...args)).toContain('the list has 300,000 ids')
  expect(puts).toEqual([])
  await json('segments', 'members', 'clear', 'resumed')
  expect(await told(...args)).toContain('the list has 300,000 ids')
  expect(puts.length).toBeGreaterThanOrEqual(4)
}, 60_000)

test('a file that changes while it is read is not uploaded', async () => {
  await json('segments', 'create', 'moving')
  const path = fileOf('ids.ndjson', many)
  api.onRequest(({ method = '' }) => {
    if (method === 'PUT') writeFileSync(path, many.map((id) => id.replace('user', 'else')).join('\n'))
    return true
  })
  const ran = await cli(['segments', 'members', 'upload', 'moving', path])
  api.onRequest(() => true)
  expect(ran).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('the file changed') })
  expect(await json('segments', 'members', 'get', 'moving')).toMatchObject({ count: 0 })
}, 60_000)

test('a folder is no list', async () => {
  const path = join(emptyFolder(), 'ids.csv')
  mkdirSync(path)
  const { code, stderr } = await cli(['segments', 'members', 'upload', 'customers', path])
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(`${path} cannot be read`) })
})

test('an upload that was not committed can be discarded', async () => {
  const put = await fetch(`${api.url}${members}?upload=left&part=1`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${api.kit.token}`, 'content-type': 'application/x-ndjson' },
    body: '"a"\n',
  })
  expect(put.status).toBe(200)
  expect(await told('segments', 'members', 'clear', 'customers', '--upload', 'left')).toBe(
    'discarded upload left\n',
  )
})

test('a wrong line is told by its number, and nothing is written', async () => {
  const path = fileOf('ids.ndjson', ['"a"', '{"no": "id"}'])
  const { code, stderr } = await cli(['segments', 'members', 'upload', 'customers', path])
  expect(code).toBe(1)
  expect(stderr).toContain('line 2')
})

test('the members of a protected environment are changed only with a yes', async () => {
  const path = fileOf('ids.ndjson', ['"a"'])
  for (const args of [
    ['upload', 'customers', path],
    ['add', 'customers', 'x'],
    ['remove', 'customers', 'x'],
    ['clear', 'customers'],
  ]) {
    // One after another, as they would be typed.
    const { code } = await cli(['segments', 'members', ...args, '--env', 'production']) // oxlint-disable-line no-await-in-loop
    expect({ args, code }).toEqual({ args, code: 3 })
  }
})
