import { beforeAll, expect, test } from 'vitest'
import { makeShop, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
const keys = ['B', 'a', 'a.b', 'a_b', 'C1', 'c', 'Z', 'zz']

beforeAll(async () => {
  await makeShop(kit)
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'lists' } })
  await kit.ok('POST', `${lists}/flags/import`, {
    body: {
      flags: keys.map((key) => ({
        key,
        name: `Name of ${key}`,
        description: key === 'a' ? 'The Needle' : '',
        kind: key === 'c' ? 'permission' : 'release',
        tags: key.startsWith('a') ? ['team-a', 'x'] : [],
      })),
    },
  })
})

const lists = '/orgs/acme/projects/lists'
const keysOf = (page: { items: { key: string }[] }) => page.items.map(({ key }) => key)

test('pages hold every item once, in the order of code units', async () => {
  for (const at of [`${lists}/flags`, `${lists}/environments/staging/flags`]) {
    for (const limit of [1, 3, 8, 200]) {
      expect(await walk(`${at}?limit=${limit}`, keysOf)).toEqual(keys.toSorted())
    }
  }
})

test('the last page says so, also if it is full', async () => {
  expect((await kit.ok('GET', `${lists}/flags?limit=8`)).nextCursor).toBeNull()
  expect((await kit.ok('GET', `${lists}/flags?limit=7`)).nextCursor).not.toBeNull()
  expect(await kit.ok('GET', `${lists}/flags?text=nothing`)).toEqual({ items: [], nextCursor: null })
})

test('a page goes on where the last one ended, though flags were added and archived meanwhile', async () => {
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'moving' } })
  const at = '/orgs/acme/projects/moving/flags'
  for (const key of ['b', 'd', 'f']) await kit.ok('POST', at, { body: { key } })
  const first = await kit.ok('GET', `${at}?limit=2`)
  for (const key of ['a', 'e']) await kit.ok('POST', at, { body: { key } })
  await kit.ok('DELETE', `${at}/d`)
  expect(keysOf(await kit.ok('GET', `${at}?limit=2&cursor=${first.nextCursor}`))).toEqual(['e', 'f'])
})

test('flags are found by tag, kind, text and whether they are archived, together', async () => {
  const find = async (query: string) => keysOf(await kit.ok('GET', `${lists}/flags?${query}`))
  expect(await find('tag=team-a')).toEqual(['a', 'a.b', 'a_b'])
  expect(await find('tag=team')).toEqual([])
  expect(await find('kind=permission')).toEqual(['c'])
  expect(await find('text=nEEdle')).toEqual(['a'])
  expect(await find('text=NAME%20OF%20z')).toEqual(['Z', 'zz'])
  expect(await find('text=_')).toEqual(['a_b'])
  expect(await find('tag=x&text=a.b')).toEqual(['a.b'])
  await kit.ok('DELETE', `${lists}/flags/zz`)
  expect(await find('archived=true')).toEqual(['zz'])
  expect(await find('text=zz')).toEqual([])
  await kit.ok('POST', `${lists}/flags/zz/restore`)
})

test('projects, environments and keys come in pages too', async () => {
  expect(await walk('/orgs/acme/projects?limit=1', keysOf)).toEqual(['lists', 'moving', 'shop'])
  expect(await walk(`${shop}/environments?limit=1`, keysOf)).toEqual(['development', 'production', 'staging'])
  for (const name of ['one', 'two', 'three'])
    await kit.ok('POST', `${shop}/keys`, { body: { class: 'server', environment: 'production', name } })
  const names = await walk(`${shop}/keys?limit=2`, (page) =>
    page.items.map(({ name }: { name: string }) => name),
  )
  expect(names.toSorted()).toEqual(['one', 'three', 'two'])
})

test('a token sees the places it is bound to, and no others', async () => {
  const project = await kit.makeToken({ project: 'shop', role: 'viewer' })
  const environment = await kit.makeToken({ project: 'shop', environment: 'production' })
  expect(keysOf(await kit.ok('GET', '/orgs/acme/projects', { token: project }))).toEqual(['shop'])
  expect(keysOf(await kit.ok('GET', `${shop}/environments`, { token: environment }))).toEqual(['production'])
  expect(keysOf(await kit.ok('GET', `${shop}/environments`, { token: project }))).toHaveLength(3)
})

test('places and flags are addressed by key or by id', async () => {
  const { id: projectId } = await kit.ok('GET', shop)
  const { id: environmentId } = await kit.ok('GET', production)
  const [{ id: orgId } = { id: '' }] = await kit.sql<{ id: string }>(
    "select id from organizations where key = 'acme'",
  )
  const path = `/orgs/${orgId}/projects/${projectId}/environments/${environmentId}/flags/checkout`
  expect(await kit.ok('GET', path)).toEqual(await kit.ok('GET', `${production}/flags/checkout`))
  const { versions } = await kit.ok('POST', `${path}/toggle`)
  expect(Object.keys(versions)).toEqual(['production'])
  const token = await kit.makeToken({ project: 'shop', environment: 'production' })
  await kit.ok('GET', path, { token })
})

test('whoami says what a token reaches', async () => {
  const token = await kit.makeToken({ project: 'shop', environment: 'staging', role: 'editor' })
  const { key, ...rest } = await kit.ok('GET', '/whoami', { token })
  expect(rest).toEqual({ organization: 'acme', project: 'shop', environment: 'staging', role: 'editor' })
  expect(key).toMatch(/^key_/)
})

test('a project without environments takes flags, and an environment later starts with them', async () => {
  const bare = '/orgs/acme/projects/bare'
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'bare', environments: [] } })
  expect((await kit.ok('POST', `${bare}/flags`, { body: { key: 'early' } })).versions).toEqual({})
  expect((await kit.ok('POST', `${bare}/environments`, { body: { key: 'live' } })).versions).toEqual({
    live: '1.1',
  })
  expect(keysOf(await kit.ok('GET', `${bare}/environments/live/flags`))).toEqual(['early'])
})

test('a key is taken by one project, and by one environment of it', async () => {
  const code = async (path: string, body: object) => (await kit.call('POST', path, { body })).body.code
  const before = await kit.stored()
  expect(await code('/orgs/acme/projects', { key: 'shop' })).toBe('conflict')
  expect(await code(`${shop}/environments`, { key: 'staging' })).toBe('conflict')
  expect(
    await code('/orgs/acme/projects', { key: 'twice', environments: [{ key: 'a' }, { key: 'a' }] }),
  ).toBe('conflict')
  expect(await kit.stored()).toEqual(before)
  await kit.ok('POST', '/orgs/rival/projects', { token: kit.rivalToken, body: { key: 'shop' } })
})

async function walk<Item>(path: string, read: (page: { items: never[] }) => Item[]): Promise<Item[]> {
  const found: Item[] = []
  for (let cursor = ''; ;) {
    const page = await kit.ok('GET', path + cursor)
    found.push(...read(page))
    if (page.nextCursor === null) return found
    cursor = `&cursor=${page.nextCursor}`
  }
}
