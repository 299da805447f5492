import { Client } from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { auditHash, firstBrokenEntry } from './audit-chain.ts'
import { auditEntries, organizations } from './store/schema.ts'
import { makeShop, production, shop, useKit } from './test-kit.ts'

const kit = useKit()
const ifMatch = { 'if-match': '*' }
type Entry = Awaited<ReturnType<typeof readChain>>[number]

beforeAll(async () => {
  await makeShop(kit)
  const odd = { 'é😀\u2028': ['"\\', 1e21, -0.5, null], '10': 1, '2': { b: 1, a: 2 } }
  await kit.ok('POST', `${shop}/flags`, {
    body: { key: 'json', valueType: 'json', variants: [{ key: 'v', value: odd }], comment: 'odd' },
  })
  await kit.ok('PATCH', `${shop}/flags/json`, { body: { description: '\n', tags: ['{}'] }, headers: ifMatch })
  const rules = [{ name: 'r', when: { all: [] }, serve: { variant: 'on' } }]
  await kit.ok('PATCH', `${production}/flags/checkout`, { body: { rules, enabled: true }, headers: ifMatch })
  await kit.ok('POST', `${production}/flags/checkout/toggle`, { body: { comment: 'stop' } })
  await kit.ok('DELETE', `${shop}/flags/banner`)
  await kit.ok('POST', `${shop}/flags/banner/restore`)
  await kit.ok('PATCH', shop, { body: { name: 'Shop' }, headers: ifMatch })
  await kit.ok('POST', `${shop}/environments`, { body: { key: 'preview' } })
  const { id } = await kit.ok('POST', `${shop}/keys`, {
    body: { class: 'client', environment: 'preview', name: 'k', origins: ['https://a.example'] },
  })
  await kit.ok('DELETE', `${shop}/keys/${id}`)
  await kit.ok('POST', '/orgs/rival/projects', { token: kit.rivalToken, body: { key: 'theirs' } })
})

test('the chain of each tenant holds over every kind of change, and ends where the tenant says', async () => {
  const [entries, theirs] = [await readChain('acme'), await readChain('rival')]
  expect(new Set(entries.map(({ action }) => action)).size).toBe(10)
  expect(theirs).toHaveLength(1)
  for (const [key, chain] of [
    ['acme', entries],
    ['rival', theirs],
  ] as const) {
    expect(await firstBrokenEntry(chain)).toBeNull()
    const last = chain.at(-1)
    const [end] = await kit.deps.db.read(last?.orgId ?? '', (db) => [db.select().from(organizations)])
    expect({ key, sequence: end[0]?.auditSequence, hash: end[0]?.auditHash }).toEqual({
      key,
      sequence: last?.sequence,
      hash: last?.hash,
    })
  }
})

test('who reads the audit through the API can verify it', async () => {
  const [{ orgId } = { orgId: '' }] = await readChain('acme')
  const items: Entry[] = []
  let cursor = ''
  do {
    const page = await kit.ok('GET', `/orgs/acme/audit?limit=4${cursor}`)
    items.push(...page.items.map((item: Entry) => ({ ...item, orgId, time: new Date(item.time) })))
    cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`
  } while (cursor !== '')
  expect(await firstBrokenEntry(items.toReversed())).toBeNull()
})

test('a changed entry is named, whichever field was changed', async () => {
  const entries = await readChain('acme')
  const at = 4
  const entry = entries[at]
  if (!entry) throw new Error('there are more entries than that')
  const other: Partial<Record<keyof Entry, unknown>> = {
    time: new Date(0),
    before: { a: 1 },
    after: { a: 1 },
    versions: { a: '1.1' },
    sequence: 99,
  }
  for (const field of Object.keys(entry) as (keyof Entry)[]) {
    const changed = { ...entry, [field]: other[field] ?? 'changed' }
    expect({ field, broken: await firstBrokenEntry(entries.with(at, changed)) }).toEqual({
      field,
      broken: changed.sequence,
    })
  }
  const deep = structuredClone(entries)
  Object.assign(deep[at]?.after as object, { name: 'quietly' })
  expect(await firstBrokenEntry(deep)).toBe(entry.sequence)
})

test('an entry that was rewritten together with its hash breaks the one after it', async () => {
  const entries = await readChain('acme')
  const at = 4
  const entry = entries[at]
  if (!entry) throw new Error('there are more entries than that')
  const rewritten = { ...entry, comment: 'never happened' }
  const chain = entries.with(at, { ...rewritten, hash: await auditHash(rewritten) })
  expect(await firstBrokenEntry(chain)).toBe(entry.sequence + 1)
})

test('a removed, repeated, invented or reordered entry is named', async () => {
  const entries = await readChain('acme')
  const [first, second, third] = entries
  if (!first || !second || !third) throw new Error('there are more entries than that')
  expect(await firstBrokenEntry(entries.slice(1))).toBe(2)
  expect(await firstBrokenEntry(entries.toSpliced(1, 1))).toBe(3)
  expect(await firstBrokenEntry(entries.toSpliced(1, 0, first))).toBe(1)
  expect(await firstBrokenEntry(entries.toSpliced(1, 2, third, second))).toBe(3)
  expect(await firstBrokenEntry([...entries, { ...third, sequence: entries.length + 1 }])).toBe(
    entries.length + 1,
  )
})

test('neither the application nor the owner can change, delete or empty what is append-only', async () => {
  const partitions = await kit.sql<{ name: string }>(
    "select relname as name from pg_class where relispartition and relkind = 'r'",
  )
  const [{ orgId } = { orgId: '' }] = await readChain('acme')
  const names = ['audit_entries', 'state_history', ...partitions.map(({ name }) => name)]
  const before = await kit.stored()
  for (const url of [kit.database.appUrl, kit.database.ownerUrl]) {
    const client = new Client(url)
    await client.connect()
    await client.query("select set_config('app.org_id', $1, false)", [orgId])
    for (const name of names) {
      const [[row] = []] = [await kit.sql(`select 1 from ${name} where org_id = $1`, [orgId])]
      for (const statement of [
        `update ${name} set org_id = org_id`,
        `delete from ${name}`,
        `truncate ${name} cascade`,
      ]) {
        const outcome = await client.query(statement).then(
          ({ rowCount }) => rowCount ?? 0,
          (error: { code: string }) => error.code,
        )
        // Of an empty partition a row trigger has nothing to refuse.
        expect({ statement, outcome }).toEqual({
          statement,
          outcome: row || statement.startsWith('truncate') || url === kit.database.appUrl ? '42501' : 0,
        })
      }
    }
    await client.end()
  }
  expect(await kit.stored()).toEqual(before)
})

async function readChain(org: string) {
  const [found] = await kit.sql<{ id: string }>('select id from organizations where key = $1', [org])
  const [entries] = await kit.deps.db.read(found?.id ?? '', (db) => [
    db.select().from(auditEntries).orderBy(auditEntries.sequence),
  ])
  return entries
}
