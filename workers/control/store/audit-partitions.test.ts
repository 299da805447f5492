import { beforeAll, expect, test } from 'vitest'
import { firstBrokenEntry } from '../audit-chain.ts'
import { makeShop, production, useKit } from '../test-kit.ts'
import { auditEntries } from './schema.ts'

const kit = useKit()
const monthsMs = (months: number) => months * 31 * 86_400_000
const start = Date.now()

beforeAll(() => makeShop(kit))

test('an entry of a month without partition is caught by the default one', async () => {
  kit.clock.nowMs = start
  await toggle()
  expect(await partitionsOf()).not.toContain('audit_entries_default')
  kit.clock.nowMs = start + monthsMs(14)
  for (let index = 0; index < 3; index++) await toggle()
  kit.clock.nowMs = start + monthsMs(40)
  await toggle()
  expect(await countIn('audit_entries_default')).toBe(4)
})

test('new partitions take over what the default one caught, and the chain holds', async () => {
  const before = await kit.stored()
  const made = await kit.deps.db.ensureAuditPartitions(new Date(start + monthsMs(14)), 3)
  expect(made).toBe(4)
  expect(await countIn('audit_entries_default')).toBe(1)
  const month = new Date(start + monthsMs(14)).toISOString().slice(0, 7).replace('-', '_')
  expect(await countIn(`audit_entries_${month}`)).toBe(3)
  expect(await kit.stored()).toEqual(before)
  await toggle()
  const [orgs] = [await kit.sql<{ id: string }>("select id from organizations where key = 'acme'")]
  const [entries] = await kit.deps.db.read(orgs[0]?.id ?? '', (db) => [
    db.select().from(auditEntries).orderBy(auditEntries.sequence),
  ])
  expect(await firstBrokenEntry(entries)).toBeNull()
})

test('partitions that exist are not made again, also by two at the same time', async () => {
  const from = new Date(start + monthsMs(14))
  expect(await kit.deps.db.ensureAuditPartitions(from, 3)).toBe(0)
  const made = await Promise.all([1, 2, 3].map(() => kit.deps.db.ensureAuditPartitions(from, 5)))
  expect(made.toSorted()).toEqual([0, 0, 2])
  await expect(kit.deps.db.ensureAuditPartitions(from, 37)).rejects.toThrow('between 0 and 36')
})

test('writes go on while partitions are made', async () => {
  const from = new Date(start + monthsMs(60))
  await Promise.all([kit.deps.db.ensureAuditPartitions(from, 12), ...Array.from({ length: 8 }, toggle)])
})

test('what an organization wrote can be read whatever partition holds it', async () => {
  const { items } = await kit.ok('GET', '/orgs/acme/audit?limit=200')
  const [stored] = await kit.sql<{ n: number }>(
    "select count(*)::int as n from audit_entries a join organizations o on o.id = a.org_id where o.key = 'acme'",
  )
  expect(items).toHaveLength(stored?.n ?? 0)
})

const toggle = () => kit.ok('POST', `${production}/flags/checkout/toggle`)

async function partitionsOf(): Promise<string[]> {
  const rows = await kit.sql<{ name: string }>(
    'select distinct tableoid::regclass::text as name from audit_entries where time >= $1',
    [new Date(start)],
  )
  return rows.map(({ name }) => name)
}

async function countIn(table: string): Promise<number> {
  const [row] = await kit.sql<{ n: number }>(`select count(*)::int as n from ${table}`)
  return row?.n ?? 0
}
