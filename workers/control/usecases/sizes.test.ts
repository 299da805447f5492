import { beforeAll, expect, test } from 'vitest'
import { limits } from '@halyard/shared/contract/limits.ts'
import { accessLengthMax, parseAccess, type AccessKey } from '@halyard/shared/protocol/access.ts'
import { snapshotSizeMax } from '@halyard/shared/protocol/head.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import type { EnvironmentScope } from '../ports.ts'
import { compile } from '../publication/compile.ts'
import { readCommitted } from '../publication/read-history.ts'
import { expectProblem, makeShop, production, shop, useKit } from '../test-kit.ts'
import { measureSnapshots } from './sizes.ts'

const kit = useKit()
const ifMatch = { 'if-match': '*' }
const times = <T>(length: number, item: (index: number) => T) =>
  Array.from({ length }, (_, index) => item(index))

const large = (key: string, value: string) => ({
  key,
  valueType: 'string',
  variants: times(16, (index) => ({ key: `v${index}`, value: value.repeat(64 * 1024 - 100) })),
})

const oneValue = (value: string) => ({ valueType: 'string', variants: [{ key: 'v', value }] })

const patterns = (length: number) => ({
  any: times(length, (i) => ({ attribute: 'a', op: 'matches', value: `^x${i}` })),
})

beforeAll(() => makeShop(kit))

test('a project has at most 10,000 live flags, also by import and by restoring', async () => {
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'many', environments: [] } })
  await kit.sql(
    `insert into flags (org_id, id, project_id, key, name, description, tags, kind, value_type, client_visible, seed,
       created_at, updated_at)
     select org_id, 'flg_' || n, id, 'flag-' || n, '', '', '{}', 'release', 'boolean', false, '', now(), now()
     from projects, generate_series(1, 9998) n where key = 'many'`,
  )
  const many = '/orgs/acme/projects/many/flags'
  const flags = [{ key: 'one' }, { key: 'two' }, { key: 'three' }]
  expectProblem(await kit.call('POST', `${many}/import`, { body: { flags } }), 'limit_reached')
  await kit.ok('POST', `${many}/import`, { body: { flags: flags.slice(0, 2) } })
  expectProblem(await kit.call('POST', many, { body: { key: 'three' } }), 'limit_reached')
  await kit.ok('DELETE', `${many}/one`)
  await kit.ok('POST', many, { body: { key: 'three' } })
  expectProblem(await kit.call('POST', `${many}/one/restore`), 'limit_reached')
  await kit.ok('POST', `${many}/two/restore`) // is live already
})

test('a project has at most 2,000 live segments and 100 live layers', async () => {
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'sets', environments: [] } })
  const filler = "'', '', now(), now() from projects, generate_series(1, $1) n where key = 'sets'"
  await kit.sql(
    `insert into segments (org_id, id, project_id, key, name, description, created_at, updated_at, tags)
     select org_id, 'seg_' || n, id, 's' || n, ${filler.replace('now() from', "now(), '{}' from")}`,
    [1_999],
  )
  await kit.sql(
    `insert into layers (org_id, id, project_id, key, "by", seed, slots, name, description, created_at, updated_at)
     select org_id, 'lyr_' || n, id, 'l' || n, 'a', '', '[]', ${filler}`,
    [99],
  )
  for (const kind of ['segments', 'layers']) {
    const path = `/orgs/acme/projects/sets/${kind}`
    await kit.ok('POST', path, { body: { key: 'last' } })
    expectProblem(await kit.call('POST', path, { body: { key: 'next' } }), 'limit_reached')
    await kit.ok('DELETE', `${path}/last`)
    await kit.ok('POST', path, { body: { key: 'next' } })
    expectProblem(await kit.call('POST', `${path}/last/restore`), 'limit_reached')
  }
})

test('an environment holds at most 200 patterns, in flags and segments together', async () => {
  const at = '/orgs/acme/projects/patterns'
  const live = `${at}/environments/live`
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'patterns', environments: [{ key: 'live' }] } })
  await kit.ok('POST', `${at}/flags`, { body: { key: 'f' } })
  await kit.ok('POST', `${at}/segments`, { body: { key: 's' } })
  const long = { attribute: 'a', op: 'in', values: ['"op":"matches"'.repeat(100)] }
  const setFlag = (...whens: object[]) => {
    const rules = whens.map((when) => ({ when, serve: { variant: 'on' } }))
    return kit.call('PATCH', `${live}/flags/f`, { body: { rules }, headers: ifMatch })
  }
  const setSegment = (when: object) =>
    kit.call('PATCH', `${live}/segments/s`, { body: { when }, headers: ifMatch })
  expect((await setFlag(patterns(120), long)).status).toBe(200)
  expect((await setSegment(patterns(80))).status).toBe(200)
  const full = expectProblem(await setSegment(patterns(81)), 'limit_reached')
  expect(full.detail).toContain('201 patterns (matches), more than 200')
  // Shorter than before, and still one too many.
  expectProblem(await setFlag(patterns(121)), 'limit_reached')
  expect((await setFlag(patterns(119))).status).toBe(200)
})

test('an organization has at most 100 projects, a project at most 20 environments and 200 live keys', async () => {
  const full = '/orgs/acme/projects/full'
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'full' } })
  const [{ project, org } = { project: '', org: '' }] = await kit.sql<{ project: string; org: string }>(
    "select id as project, org_id as org from projects where key = 'full'",
  )
  await kit.sql(
    "insert into environments (org_id, id, project_id, key, name) select $1, 'e' || n, $2, 'e' || n, '' from generate_series(1, 16) n",
    [org, project],
  )
  await kit.ok('POST', `${full}/environments`, { body: { key: 'twentieth' } })
  expectProblem(await kit.call('POST', `${full}/environments`, { body: { key: 'next' } }), 'limit_reached')
  await kit.sql(
    `insert into api_keys (org_id, id, project_id, class, role, name, hash, last_four, origins, created_by, created_at)
     select $1, 'k' || n, $2, 'management', 'viewer', '', 'h' || n, '', '{}', '', now() from generate_series(1, 199) n`,
    [org, project],
  )
  const key = { body: { class: 'management', role: 'viewer', name: 'k' } }
  const { id } = await kit.ok('POST', `${full}/keys`, key)
  expectProblem(await kit.call('POST', `${full}/keys`, key), 'limit_reached')
  await kit.ok('DELETE', `${full}/keys/${id}`)
  await kit.ok('POST', `${full}/keys`, key)
  await kit.sql(
    "insert into projects (org_id, id, key, name) select org_id, 'p' || n, 'p' || n, '' from projects, generate_series(1, $1) n where key = 'full'",
    [94],
  )
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'hundredth' } })
  expectProblem(await kit.call('POST', '/orgs/acme/projects', { body: { key: 'next' } }), 'limit_reached')
  await kit.sql("delete from projects where name = ''")
})

test('an import may be as large as a body', async () => {
  const variants = times(64, (index) => ({ key: `v${index}`, value: 'x' }))
  const flags = times(limits.importFlags, (index) => ({ key: `f${index}`, valueType: 'string', variants }))
  const options = { token: kit.rivalToken, body: { key: 'large', environments: [{ key: 'only' }] } }
  await kit.ok('POST', '/orgs/rival/projects', options)
  const made = await kit.ok('POST', '/orgs/rival/projects/large/flags/import', {
    ...options,
    body: { flags },
  })
  expect(made.flags).toHaveLength(500)
})

test('a change that would make a snapshot too large to publish is refused', async () => {
  for (const key of ['a', 'b', 'c']) await kit.ok('POST', `${shop}/flags`, { body: large(key, 'x') })
  await kit.ok('POST', `${shop}/flags`, { body: large('d', 'y') })
  const before = await kit.stored()
  expectProblem(await kit.call('POST', `${shop}/flags`, { body: large('e', 'z') }), 'limit_reached')
  const { variants } = large('banner', 'z')
  const patch = {
    body: { variants: [{ key: 'short', value: '' }, { key: 'long', value: '' }, ...variants] },
    headers: ifMatch,
  }
  expectProblem(await kit.call('PATCH', `${shop}/flags/banner`, patch), 'limit_reached')
  expect(await kit.stored()).toEqual(before)
  await kit.ok('POST', `${production}/evaluate`, { body: { flag: 'a' } })
  await kit.ok('DELETE', `${shop}/flags/a`)
  await kit.ok('POST', `${shop}/flags`, { body: large('e', 'z') })
  expectProblem(await kit.call('POST', `${shop}/flags/a/restore`), 'limit_reached')
})

test('flags of a project without environments are measured when it gets one', async () => {
  const none = '/orgs/rival/projects/none'
  const token = kit.rivalToken
  await kit.ok('POST', '/orgs/rival/projects', { token, body: { key: 'none', environments: [] } })
  for (const key of ['a', 'b', 'c', 'd', 'e'])
    await kit.ok('POST', `${none}/flags`, { token, body: large(key, 'x') })
  const environment = { token, body: { key: 'first' } }
  expectProblem(await kit.call('POST', `${none}/environments`, environment), 'limit_reached')
  await kit.ok('DELETE', `${none}/flags/a`, { token })
  await kit.ok('POST', `${none}/environments`, environment)
})

test('at the brim a flag can still be switched off and on, and nothing added', async () => {
  const brim = '/orgs/acme/projects/brim'
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'brim', environments: [{ key: 'live' }] } })
  for (const key of ['a', 'b', 'c', 'd']) await kit.ok('POST', `${brim}/flags`, { body: large(key, 'x') })
  await kit.ok('POST', `${brim}/flags`, { body: { key: 'last', ...oneValue('') } })
  await kit.ok('POST', `${brim}/environments/live/flags/last/toggle`, { body: { enabled: true } })
  const room = snapshotSizeMax - (await measure(await scopeOf('brim', 'live')))
  const fill = (length: number) =>
    kit.call('PATCH', `${brim}/flags/last`, {
      body: { variants: oneValue('x'.repeat(length)).variants },
      headers: ifMatch,
    })
  expectProblem(await fill(room + 1), 'limit_reached')
  expect((await fill(room)).status).toBe(200)
  expectProblem(await fill(room + 1), 'limit_reached')
  for (const enabled of [false, true, false])
    await kit.ok('POST', `${brim}/environments/live/flags/last/toggle`, { body: { enabled } })
})

test('what is measured on saving is never less than what is published', async () => {
  const odd = 'é😀"\\\u0001\t\u2028/'
  const body = {
    key: 'odd',
    valueType: 'json',
    variants: [{ key: odd, value: { [odd]: [odd, 1e21, null] } }],
  }
  await kit.ok('POST', `${shop}/flags`, { body })
  const rules = [{ name: odd, when: { attribute: odd, op: 'eq', value: odd }, serve: { variant: odd } }]
  await kit.ok('PATCH', `${production}/flags/odd`, {
    body: { rules, overrides: [{ values: [odd], variant: odd }] },
    headers: ifMatch,
  })
  const when = { all: [{ attribute: odd, op: 'eq', value: odd }] }
  const segment = { key: 'odd', environments: { production: { include: [odd], exclude: [odd], when } } }
  await kit.ok('POST', `${shop}/segments`, { body: segment })
  const layer = { key: 'odd', by: odd, slots: [{ name: odd, from: 0, to: 100_000 }] }
  await kit.ok('POST', `${shop}/layers`, { body: layer })
  const expiry = { expiresAt: 1e12, onExpiry: { variant: odd } }
  await kit.ok('PATCH', `${shop}/flags/odd`, { body: expiry, headers: ifMatch })
  const scope = await scopeOf('shop', 'production')
  const committed = await readCommitted(kit.deps.db, scope)
  const { head } = await compile(
    scope.environmentId,
    committed?.at ?? { epoch: 1, version: 0 },
    committed?.rows ?? [],
  )
  const measured = await measure(scope)
  expect(measured).toBeGreaterThanOrEqual(head.size)
  expect(measured).toBeLessThan(head.size + 1_000)
  expect(measured).toBeLessThan(snapshotSizeMax)
})

test('the largest access record that may be saved is one that the hub takes', async () => {
  const environment = makeId('env')
  const keys = times(limits.keysPerProject, (): AccessKey => ({
    id: makeId('key'),
    hash: 'f'.repeat(64),
    class: 'client',
    origins: times(limits.originsPerKey, () => `https://${'a'.repeat(245)}`),
    expiresAt: Date.now(),
  }))
  const rows = keys.map((state) => ({ kind: 'key' as const, objectId: state.id, state: { ...state } }))
  const { access } = await compile(environment, { epoch: 1, version: 1 }, rows)
  expect(access.length).toBeLessThan(accessLengthMax)
  expect(parseAccess(access)?.keys).toHaveLength(limits.keysPerProject)
})

async function scopeOf(project: string, environment: string): Promise<EnvironmentScope> {
  const [scope] = await kit.sql<EnvironmentScope>(
    `select e.org_id as "orgId", e.id as "environmentId"
     from environments e join projects p on p.org_id = e.org_id and p.id = e.project_id where p.key = $1 and e.key = $2`,
    [project, environment],
  )
  if (!scope) throw new Error('there is no such environment')
  return scope
}

async function measure({ orgId, environmentId }: EnvironmentScope): Promise<number> {
  const [measured] = await kit.deps.db.write(orgId, (tx) =>
    measureSnapshots(tx, orgId, [{ id: environmentId }]),
  )
  return measured?.size ?? 0
}
