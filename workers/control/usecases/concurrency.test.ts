import { beforeAll, expect, test } from 'vitest'
import { firstBrokenEntry } from '../audit-chain.ts'
import { auditEntries } from '../store/schema.ts'
import { makeShop, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()

beforeAll(() => makeShop(kit))

test('thirty writes at the same time leave no gap, and one chain', async () => {
  const before = await versionOf('production')
  await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      index % 2 === 0
        ? kit.ok('POST', `${production}/flags/checkout/toggle`)
        : kit.ok('POST', `${shop}/flags`, { body: { key: `at-once-${index}` } }),
    ),
  )
  expect(await versionOf('production')).toBe(before + 30)
  const rows = await kit.sql<{ version: number; objects: number }>(
    `select h.version, count(*)::int as objects from state_history h join environments e on e.id = h.environment_id
     where e.key = 'production' group by 1 order by 1`,
  )
  // The first version is the environment's own, the second an import of two flags.
  expect(rows).toEqual(rows.map((_, index) => ({ version: index + 2, objects: index === 0 ? 2 : 1 })))
  expect(rows.at(-1)?.version).toBe(before + 30)
  const [{ org } = { org: '' }] = await kit.sql<{ org: string }>('select org_id as org from projects limit 1')
  const [entries] = await kit.deps.db.read(org, (db) => [
    db.select().from(auditEntries).orderBy(auditEntries.sequence),
  ])
  expect(entries).toHaveLength(33)
  expect(await firstBrokenEntry(entries)).toBeNull()
})

test('writes to two projects of an organization do not wait for each other in a circle', async () => {
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'second' } })
  const writes = ['shop', 'second'].flatMap((project) =>
    Array.from({ length: 8 }, (_, index) =>
      kit.ok('POST', `/orgs/acme/projects/${project}/flags`, { body: { key: `${project}-${index}` } }),
    ),
  )
  expect(await Promise.all(writes)).toHaveLength(16)
})

test('of writes at the same time that want the same key, one gets it', async () => {
  const keys = ['wanted', 'WANTED', 'Wanted', 'wanted']
  const replies = await Promise.all(keys.map((key) => kit.call('POST', `${shop}/flags`, { body: { key } })))
  expect(replies.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409])
})

test('tenants do not wait for each other', async () => {
  const [{ id } = { id: '' }] = await kit.sql<{ id: string }>(
    "select id from organizations where key = 'acme'",
  )
  await kit.deps.db.write(id, async (tx) => {
    await tx.execute('select 1 from organizations for update')
    await kit.ok('POST', '/orgs/rival/projects', { token: kit.rivalToken, body: { key: 'meanwhile' } })
  })
})

async function versionOf(environment: string): Promise<number> {
  return Number((await kit.ok('GET', `${shop}/environments/${environment}`)).version.split('.')[1])
}
