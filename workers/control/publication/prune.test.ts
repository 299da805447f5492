import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compareVersions, formatVersion, type Version } from '@halyard/shared/protocol/version.ts'
import type { EnvironmentScope } from '../ports.ts'
import { expectProblem, makeShop, shop, useKit } from '../test-kit.ts'
import { compile } from './compile.ts'
import { pruneHistory } from './prune.ts'
import { readVersion } from './read-history.ts'

const kit = useKit()
const ndjson = { 'content-type': 'application/x-ndjson' }
let scopes: Record<string, EnvironmentScope>
let owner: Client

beforeAll(async () => {
  await makeShop(kit)
  await kit.ok('POST', `${shop}/segments`, { body: { key: 'vips' } })
  const rows = await kit.sql<EnvironmentScope & { key: string }>(
    'select key, org_id as "orgId", id as "environmentId" from environments',
  )
  scopes = Object.fromEntries(rows.map(({ key, ...scope }) => [key, scope]))
  owner = new Client(kit.database.ownerUrl)
  await owner.connect()
})
afterAll(() => owner.end())

const idOf = (name: string) => scopes[name]?.environmentId ?? ''
const pathOf = (name: string) => `${shop}/environments/${name}`

/** So many versions that changed nothing, as if they had come by themselves. */
const skip = (name: string, versions: number) =>
  kit.sql(
    `with raised as (update environments set version = version + $2 where id = $1 returning org_id, epoch, version)
     insert into environment_versions select org_id, $1, epoch, generate_series(version - $2 + 1, version), now(), 'test', 0
     from raised`,
    [idOf(name), versions],
  )
const backdate = (name: string, days: number, above = 0) =>
  kit.sql(
    `update environment_versions set created_at = now() - $2 * interval '1 day' where environment_id = $1 and version > $3`,
    [idOf(name), days, above],
  )
const versionsOf = (name: string) =>
  kit.sql<Version>(
    'select epoch, version from environment_versions where environment_id = $1 order by epoch, version',
    [idOf(name)],
  )
const present = async (name: string) => (await versionsOf(name)).at(-1)?.version ?? 0
const toggle = (name: string) => kit.ok('POST', `${pathOf(name)}/flags/checkout/toggle`)
const prune = async () => await pruneHistory(kit.deps.db, () => kit.clock.nowMs)

/** All that readers would get at these versions. */
const compiled = (name: string, versions: readonly Version[]) =>
  Promise.all(
    versions.map(async (at) => {
      const state = await readVersion(kit.deps.db, scopes[name] ?? { orgId: '', environmentId: '' }, at)
      if (typeof state === 'string') return state
      const { body, access, head } = await compile(idOf(name), at, state.rows)
      return { body, access, head }
    }),
  )

/** Changes of everything that history knows, far apart. */
async function liveThrough(name: string, rounds: number, between: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await toggle(name)
    const when = { attribute: 'round', op: 'eq', value: round }
    await kit.ok('PATCH', `${pathOf(name)}/segments/vips`, { body: { when }, headers: { 'if-match': '*' } })
    const key = await kit.ok('POST', `${shop}/keys`, {
      body: { class: 'server', environment: name, name: 'k' },
    })
    if (round % 2 === 0) await kit.ok('DELETE', `${shop}/keys/${key.id}`)
    await skip(name, between)
  }
}

test('nothing is dropped of what is younger than 90 days, or among the newest 1,000', async () => {
  await liveThrough('development', 2, 10)
  await skip('staging', 1_500)
  await backdate('development', 100)
  const before = await kit.stored()
  expect(await prune()).toEqual([])
  expect(await kit.stored()).toEqual(before)
})

test('the newest 1,000 are kept however old they are, and compile to the same bytes as before', async () => {
  await liveThrough('production', 6, 200)
  await backdate('production', 100)
  const all = await versionsOf('production')
  const kept = all.slice(-1_000)
  const samples = kept.filter((_, index) => index % 90 === 0 || index === kept.length - 1)
  const before = await compiled('production', samples)
  const [pruned] = await prune()
  expect(pruned).toMatchObject({
    ...scopes['production'],
    oldest: formatVersion(kept[0] ?? { epoch: 0, version: 0 }),
  })
  expect(pruned?.states).toBeGreaterThan(2)
  expect(await versionsOf('production')).toEqual(kept)
  expect(await compiled('production', samples)).toEqual(before)
  // Of each object one state at or below the oldest version, and no more.
  const extra = await kit.sql(
    `select object_id from state_history where environment_id = $1 and version <= $2 group by 1 having count(*) > 1`,
    [idOf('production'), kept[0]?.version],
  )
  expect(extra).toEqual([])
  expect((await prune()).map(({ states }) => states)).toEqual([0])
})

test('a version that is older than history keeps is told so, wherever it is named', async () => {
  const [oldest] = await versionsOf('production')
  const kept = `1.${oldest?.version}`
  const gone = `1.${(oldest?.version ?? 0) - 1}`
  const at = pathOf('production')
  for (const version of [gone, '1.1']) {
    for (const [method, path, body] of [
      ['GET', `${at}/flags/checkout/explain?version=${version}`],
      ['POST', `${at}/flags/checkout/explain`, { version }],
      ['GET', `${at}/versions/${version}`],
      ['GET', `${at}/versions/${kept}?compare=${version}`],
      ['POST', `${at}/revert`, { to: version }],
    ] as const) {
      const problem = expectProblem(await kit.call(method, path, { body }), 'version_not_kept')
      expect(problem.detail).toBe(`production keeps its history from version ${kept} on; ${version} is older`)
    }
  }
  expectProblem(await kit.call('GET', `${at}/versions/1.0`), 'version_not_found')
  await kit.ok('GET', `${at}/flags/checkout/explain?version=${kept}`)
  expect(await kit.ok('GET', `${at}/versions/${kept}`)).toMatchObject({ comparedTo: null, changes: null })
  expect((await kit.ok('POST', `${at}/revert`, { body: { to: kept } })).revertedTo).toBe(kept)
})

test('of the last 90 days every version is kept, and the one that was in force when they began', async () => {
  const old = await present('staging')
  await backdate('staging', 91)
  await skip('staging', 1_200)
  await backdate('staging', 89, old)
  await toggle('staging')
  const oldest = (await prune()).find(({ environmentId }) => environmentId === idOf('staging'))?.oldest
  expect(oldest).toBe(`1.${old}`)
  expect((await versionsOf('staging')).length).toBe(1_202)
})

test('what was published last is kept however old it is: readers hold it', async () => {
  const published = await present('development')
  await kit.sql(
    `insert into heads (org_id, environment_id, epoch, version, snapshot_hash, access_hash, client_hash, size, compiler, published_at)
     select org_id, environment_id, epoch, version, '', '', '', 0, 1, now() from environment_versions
     where environment_id = $1 and version in ($2, $2 - 1)`,
    [idOf('development'), published],
  )
  await skip('development', 3_000)
  await backdate('development', 100)
  const pruned = (await prune()).find(({ environmentId }) => environmentId === idOf('development'))
  expect(pruned?.oldest).toBe(`1.${published}`)
  const heads = await kit.sql<{ version: number }>('select version from heads where environment_id = $1', [
    idOf('development'),
  ])
  expect(heads).toEqual([{ version: published }])
})

test('versions of an epoch that is past go like others', async () => {
  await kit.sql('delete from heads')
  await kit.sql('update environments set epoch = 2 where id = $1', [idOf('development')])
  await toggle('development')
  const [, second] = (await versionsOf('development')).slice(-1_001)
  await prune()
  const all = await versionsOf('development')
  expect(all[0]).toEqual(second)
  expect(all.toSorted(compareVersions)).toEqual(all)
  expect((await compiled('development', [all[0] ?? { epoch: 0, version: 0 }]))[0]).toMatchObject({ head: {} })
})

test('a list that no kept version names is released and goes a day later; others stay', async () => {
  const put = (name: string, line: string) =>
    kit.ok('PUT', `${pathOf(name)}/segments/vips/members`, { body: line, headers: ndjson })
  const blobs = async () => {
    const rows = await kit.sql<{ hash: string; kept: boolean }>('select hash, kept from segment_blobs')
    return new Map(rows.map(({ hash, kept }) => [hash, kept]))
  }
  const { hash: dropped } = await put('production', '"old"')
  const { hash: elsewhere } = await put('production', '"shared"')
  await put('staging', '"shared"')
  const { hash: atOldest } = await put('production', '"kept"')
  await skip('production', 998)
  const { hash: now } = await put('production', '"now"')
  const include = [`"hash":"${dropped}"`] // an id that reads like the name of a list
  const odd = { key: 'odd', environments: { production: { include } } }
  await kit.ok('POST', `${shop}/segments`, { body: odd })
  await backdate('production', 100)
  kit.clock.nowMs += 100 * 86_400_000
  await prune()
  // The oldest of 1,000 versions is the first that had nothing to do with "kept": its state is that still.
  expect(await blobs()).toEqual(
    new Map([
      [dropped, false],
      [elsewhere, true],
      [atOldest, true],
      [now, true],
    ]),
  )
  await put('staging', '"soon"')
  expect((await blobs()).has(dropped)).toBe(true)
  kit.clock.nowMs += 86_400_001
  await put('staging', '"later"')
  expect((await blobs()).has(dropped)).toBe(false)
  expect((await blobs()).has(atOldest)).toBe(true)
})

test('lists are released on a day on which no history goes, and one that fails to be pruned holds up none', async () => {
  await kit.sql(
    `insert into segment_blobs (org_id, hash, count, kept, stored_at) select id, repeat('ab', 32), 0, true, now()
     from organizations where key = 'acme'`,
  )
  await skip('staging', 1_500)
  await backdate('staging', 100)
  await skip('production', 10)
  await backdate('production', 100)
  // As if it held what cannot be changed just now.
  const broken = idOf('production')
  await kit.sql(`alter table environments add constraint broken check (id <> '${broken}') not valid`)
  const pruned = (await prune()).map(({ environmentId }) => environmentId)
  expect([pruned.includes(idOf('staging')), pruned.includes(broken)]).toEqual([true, false])
  await kit.sql('alter table environments drop constraint broken')
  const blobs = () => kit.sql("select kept from segment_blobs where hash = repeat('ab', 32)")
  expect(await blobs()).toEqual([{ kept: false }])
  expect((await prune()).map(({ environmentId }) => environmentId)).toContain(broken)
})

test('nobody but the pruning can delete history, and nobody at all the audit', async () => {
  const app = new Client(kit.database.appUrl)
  await app.connect()
  for (const client of [app, owner]) {
    await client.query("select set_config('app.org_id', $1, false)", [scopes['production']?.orgId])
    for (const statement of [
      'delete from state_history',
      'delete from audit_entries',
      'update state_history set state = null',
    ])
      await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' })
  }
  for (const table of ['environment_versions', 'heads'])
    await expect(app.query(`delete from ${table}`)).rejects.toMatchObject({ code: '42501' })
  await app.end()
  const may = await kit.sql<{ may: boolean }>(
    "select has_table_privilege('halyard_definer', 'audit_entries', 'delete, update, truncate') as may",
  )
  expect(may).toEqual([{ may: false }])
})

test('a tenant cannot prune what belongs to another', async () => {
  await skip('production', 100)
  await backdate('production', 100)
  const [rival] = await kit.sql<{ id: string }>("select id from organizations where key = 'rival'")
  const app = new Client(kit.database.appUrl)
  await app.connect()
  await app.query("select set_config('app.org_id', $1, false)", [rival?.id])
  const { rows } = await app.query('select * from halyard.prune_history($1)', [idOf('production')])
  await app.end()
  expect(rows).toEqual([])
  expect((await prune()).map(({ environmentId }) => environmentId)).toContain(idOf('production'))
})
