import { beforeAll, expect, test } from 'vitest'
import { expectProblem, makeShop, production, shop, useKit } from '../test-kit.ts'

interface Entry {
  readonly action: string
  readonly resource: string
  readonly project: string | null
  readonly environment: string | null
  readonly sequence: number
}

const kit = useKit()
const ifMatch = { 'if-match': '*' }
const entries = async (query = '', token?: string): Promise<Entry[]> =>
  (await kit.ok('GET', `/orgs/acme/audit${query}`, { token: token ?? kit.token })).items

beforeAll(async () => {
  await makeShop(kit)
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'other' } })
  await kit.ok('POST', '/orgs/acme/projects/other/flags', {
    body: { key: 'checkout', name: 'of the other project' },
  })
  await kit.ok('POST', `${production}/flags/checkout/toggle`, { body: { comment: 'go live' } })
  await kit.ok('POST', `${shop}/environments/staging/flags/checkout/toggle`)
})

test('an entry says who changed what where, from what to what, and why', async () => {
  const before = { clientVisible: true, description: '' }
  const { versions } = await kit.ok('PATCH', `${shop}/flags/checkout`, {
    body: { description: 'new', comment: 'why' },
    headers: ifMatch,
  })
  const { key: actor } = await kit.ok('GET', '/whoami')
  expect((await entries())[0]).toMatchObject({
    action: 'flag.update',
    resource: 'flag/checkout',
    project: 'shop',
    environment: null,
    actor,
    comment: 'why',
    versions,
    before,
    after: { ...before, description: 'new' },
    time: new Date(kit.clock.nowMs).toISOString(),
  })
})

test('each flag of an import keeps its own comment', async () => {
  const flags = [{ key: 'with', comment: 'own' }, { key: 'without' }]
  await kit.ok('POST', `${shop}/flags/import`, { body: { flags, comment: 'all' } })
  expect(
    (await entries('?limit=2')).map((entry) => [entry.resource, (entry as { comment?: string }).comment]),
  ).toEqual([
    ['flag/without', 'all'],
    ['flag/with', 'own'],
  ])
})

test('the newest is first, and filters narrow', async () => {
  const all = await entries()
  expect(all.map(({ sequence }) => sequence)).toEqual(all.map((_, index) => all.length - index))
  expect(new Set((await entries('?project=other')).map(({ project }) => project))).toEqual(new Set(['other']))
  const ofFlag = await entries('?project=shop&flag=checkout')
  expect(new Set(ofFlag.map(({ resource, project }) => `${project} ${resource}`))).toEqual(
    new Set(['shop flag/checkout']),
  )
  expect(await entries('?flag=%25')).toEqual([])
  expect(await entries('?project=none')).toEqual([])
})

test('a token of a project reads what concerns that project', async () => {
  const token = await kit.makeToken({ project: 'other', role: 'viewer' })
  const seen = await entries('', token)
  expect(seen.length).toBeGreaterThan(1)
  expect(new Set(seen.map(({ project }) => project))).toEqual(new Set(['other']))
  expect(await entries('?project=other', token)).toEqual(seen)
  expectProblem(await kit.call('GET', '/orgs/acme/audit?project=shop', { token }), 'project_not_found')
})

test('a token of an environment reads what concerns it, and nothing of its neighbours alone', async () => {
  const token = await kit.makeToken({ project: 'shop', environment: 'production', role: 'viewer' })
  const seen = await entries('', token)
  expect(new Set(seen.map(({ environment }) => environment))).toEqual(new Set(['production', null]))
  expect((await entries()).map(({ environment }) => environment)).toContain('staging')
})
