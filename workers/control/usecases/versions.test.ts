import { beforeAll, expect, test } from 'vitest'
import { usePublication } from '../publication/test-kit.ts'
import { expectProblem, pointersOf, production, shop } from '../test-kit.ts'

const { kit, held, run } = usePublication()
const headers = { 'if-match': '*' }
let token: string

const listed = async (query = '') => (await kit.ok('GET', `${production}/versions${query}`)).items
const detail = (version: string, query = '') => kit.ok('GET', `${production}/versions/${version}${query}`)
const patch = async (path: string, body: object) =>
  (await kit.ok('PATCH', `${production}${path}`, { body, headers })).versions.production as string
const before = (version: string) => version.replace(/\d+$/, (n) => String(Number(n) - 1))

beforeAll(async () => {
  await kit.ok('POST', `${shop}/segments`, { body: { key: 'beta' } })
  await kit.ok('POST', `${shop}/layers`, { body: { key: 'experiments' } })
  token = await kit.makeToken({ project: 'shop', environment: 'production', role: 'viewer' })
})

test('versions are listed newest first, each with the change that made it', async () => {
  const body = { enabled: true, comment: 'go' }
  const { versions } = await kit.ok('POST', `${production}/flags/checkout/toggle`, { body })
  const all = await listed()
  expect(all[0]).toEqual({
    version: versions.production,
    createdAt: new Date(kit.clock.nowMs).toISOString(),
    actor: expect.stringMatching(/^key_/),
    action: 'flag.toggle',
    resource: 'flag/checkout',
    comment: 'go',
    isPublished: false,
    publishedAt: null,
    size: null,
  })
  const numbers = all.map(({ version }: { version: string }) => Number(version.split('.')[1]))
  expect(numbers).toEqual(Array.from({ length: numbers[0] }, (_, i) => numbers[0] - i))
  expect(all.at(-1)).toMatchObject({ version: '1.1', action: 'project.create', resource: 'project/shop' })
})

test('pages of versions hold each once, whatever comes meanwhile', async () => {
  const all = await listed()
  const paged = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: { items: object[]; nextCursor: string | null } = await kit.ok(
      'GET',
      `${production}/versions?limit=2${cursor && `&cursor=${cursor}`}`,
    )
    paged.push(...page.items)
    cursor = page.nextCursor
    if (paged.length === 2) await kit.ok('POST', `${production}/flags/checkout/toggle`)
  }
  expect(paged).toEqual(all)
  for (const cursor of [
    'x',
    Buffer.from('1.x').toString('base64url'),
    Buffer.from('1.9999999999').toString('base64url'),
  ])
    expect(pointersOf(await kit.call('GET', `${production}/versions?cursor=${cursor}`))).toEqual(['cursor'])
})

test('a published version shows when, its hashes and its size; one that was jumped over shows none', async () => {
  await kit.ok('POST', `${production}/flags/checkout/toggle`)
  const version = await patch('/flags/checkout', { enabled: true })
  await run()
  const [newest, jumped] = await listed()
  const { snapshotHash, accessHash, clientHash, size, compiler } = held.hub.held ?? {}
  const publishedAt = new Date(kit.clock.nowMs).toISOString()
  expect(newest).toMatchObject({ version, isPublished: true, publishedAt, size })
  expect(jumped).toMatchObject({ isPublished: false, publishedAt: null })
  const shown = await detail(version)
  expect(shown.head).toEqual({ snapshotHash, accessHash, clientHash, size, compiler, kid: 'one' })
  expect(shown).toMatchObject({ verification: null, receipts: null })
  expect(await detail(jumped.version)).toMatchObject({ head: null, verification: null, receipts: null })
})

test('a version says what it changed, before and after, and in words', async () => {
  const rules = [
    { name: 'French', when: { attribute: 'country', op: 'eq', value: 'FR' }, serve: { variant: 'on' } },
  ]
  const version = await patch('/flags/checkout', { rules })
  const { comparedTo, changes, changeCount } = await detail(version)
  expect({ comparedTo, changeCount }).toEqual({ comparedTo: before(version), changeCount: 1 })
  expect(changes).toMatchObject([
    {
      kind: 'flag',
      key: 'checkout',
      change: 'changed',
      before: { key: 'checkout', state: { rules: [] } },
      after: { key: 'checkout', state: { rules } },
      text: ['rule 1 added: French: If country is "FR": serves "on".'],
    },
  ])
  const segment = await patch('/segments/beta', { include: ['u'] })
  expect((await detail(segment)).changes).toMatchObject([
    { kind: 'segment', key: 'beta', change: 'changed', text: ['include added: "u"'] },
  ])
})

const changesOf = async (method: string, path: string, body?: object) => {
  const { versions } = await kit.ok(method, `${shop}${path}`, { ...(body && { body }) })
  const { changes } = await detail(versions.production)
  return changes.map(({ kind, key, change, before: old, after: now }: Record<string, unknown>) => [
    `${String(change)} ${String(kind)} ${String(key)}`,
    old === null,
    now === null,
  ])
}

test('what is archived is removed, what is restored or created is added', async () => {
  const body = { flags: [{ key: 'z' }, { key: 'a' }] }
  expect(await changesOf('POST', '/flags/import', body)).toEqual([
    ['added flag a', true, false],
    ['added flag z', true, false],
  ])
  expect(await changesOf('DELETE', '/flags/z')).toEqual([['removed flag z', false, true]])
  expect(await changesOf('POST', '/flags/z/restore', {})).toEqual([['added flag z', true, false]])
  expect(await changesOf('DELETE', '/layers/experiments')).toEqual([
    ['removed layer experiments', false, true],
  ])
})

test('the hash of a key is not shown', async () => {
  const body = { class: 'server', environment: 'production', name: 'k' }
  const made = await kit.ok('POST', `${shop}/keys`, { body })
  const [added] = (await detail(made.versions.production)).changes
  expect(added).toMatchObject({
    kind: 'key',
    key: made.id,
    change: 'added',
    after: { id: made.id, class: 'server' },
  })
  const [row] = await kit.sql<{ hash: string }>('select hash from api_keys where id = $1', [made.id])
  expect(JSON.stringify(added)).not.toContain(row?.hash)
  const revoked = await kit.ok('DELETE', `${shop}/keys/${made.id}`)
  expect((await detail(revoked.versions.production)).changes).toMatchObject([
    { key: made.id, change: 'removed' },
  ])
})

const linesOf = async (version: string, compare: string) => {
  const { comparedTo, changes } = await detail(version, `?compare=${compare}`)
  return [comparedTo, changes.map(({ key, text }: { key: string; text: string[] }) => [key, ...text])]
}

test('any two versions can be compared, in both directions', async () => {
  const first = await patch('/flags/checkout', { enabled: false, rules: [] })
  await patch('/flags/banner', { enabled: true })
  const last = await patch('/flags/checkout', { enabled: true })
  expect(await linesOf(last, first)).toEqual([
    first,
    [
      ['banner', 'switched on'],
      ['checkout', 'switched on'],
    ],
  ])
  expect(await linesOf(first, last)).toEqual([
    last,
    [
      ['banner', 'switched off'],
      ['checkout', 'switched off'],
    ],
  ])
  expect(await linesOf(last, last)).toEqual([last, []])
  // There and back is no difference, though versions between had one.
  const back = await patch('/flags/banner', { enabled: false })
  expect(await linesOf(back, first)).toEqual([first, [['checkout', 'switched on']]])
})

test('the first version was made of nothing', async () => {
  const first = (await listed()).at(-1)
  expect(await detail(first.version)).toMatchObject({ comparedTo: null, changes: [], changeCount: 0 })
  const fresh = await kit.ok('POST', `${shop}/environments`, { body: { key: 'fresh' } })
  const shown = await kit.ok('GET', `${shop}/environments/fresh/versions/${fresh.versions.fresh}`)
  expect(shown.comparedTo).toBeNull()
  expect(shown.changes.map(({ change }: { change: string }) => change)).toEqual(
    shown.changes.map(() => 'added'),
  )
  expect(shown.changes.map(({ key }: { key: string }) => key)).toContain('checkout')
})

test('receipts are those that the hub has of that version', async () => {
  await patch('/flags/checkout', { enabled: false })
  const version = await patch('/flags/checkout', { enabled: true })
  await run()
  const asked: string[][] = []
  const readReceipts = async (...of: string[]) => {
    asked.push(of)
    return [{ relay: 'weur/0', ackedAt: 1_000 }]
  }
  const read = (path: string) => kit.call('GET', `${production}/versions/${path}`, { deps: { readReceipts } })
  expect((await read(version)).body.receipts).toEqual([
    { relay: 'weur/0', ackedAt: '1970-01-01T00:00:01.000Z' },
  ])
  expect((await read(before(version))).body.receipts).toBeNull()
  expect(asked).toEqual([[held.scope.environmentId, version]])
})

test('a version that never was is not found, neither to read nor to compare with', async () => {
  const [{ version }] = await listed()
  const next = version.replace(/\d+$/, (n: string) => String(Number(n) + 1))
  for (const never of [next, '2.1', '1.0', '0.1', '999999999999.1']) {
    expectProblem(await kit.call('GET', `${production}/versions/${never}`), 'version_not_found')
    expectProblem(
      await kit.call('GET', `${production}/versions/${version}?compare=${never}`),
      'version_not_found',
    )
  }
  expect(pointersOf(await kit.call('GET', `${production}/versions/newest`))).toEqual(['version'])
})

test('a viewer of the environment may read versions', async () => {
  const { items } = await kit.ok('GET', `${production}/versions?limit=1`, { token })
  await kit.ok('GET', `${production}/versions/${items[0].version}`, { token })
})

test('after the epoch was raised both epochs are listed, and versions between never were', async () => {
  const [{ version: last }] = await listed()
  await kit.sql("update environments set epoch = 2 where key = 'production'")
  const version = await patch('/flags/checkout', { enabled: false })
  expect(version).toBe(`2.${Number(last.split('.')[1]) + 1}`)
  expect((await listed('?limit=2')).map((one: { version: string }) => one.version)).toEqual([version, last])
  expect(await detail(version)).toMatchObject({ comparedTo: last, changeCount: 1 })
  expectProblem(await kit.call('GET', `${production}/versions/2.1`), 'version_not_found')
  expectProblem(
    await kit.call('GET', `${production}/flags/checkout/explain?version=2.1`),
    'version_not_found',
  )
  const past = await kit.ok('GET', `${production}/flags/checkout/explain?version=${last}`)
  expect(past).toMatchObject({ version: last, decision: { reason: 'STATIC' } })
})
