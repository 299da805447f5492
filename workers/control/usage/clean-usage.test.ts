import { beforeAll, beforeEach, expect, test } from 'vitest'
import type { Database } from '../store/database.ts'
import { makeShop, pointersOf, production, useKit } from '../test-kit.ts'
import { cleanUsage } from './clean-usage.ts'

const kit = useKit()
const now = Date.parse('2026-11-20T03:17:00Z')
const hourMs = 3_600_000
const dayMs = 24 * hourMs

beforeAll(() => makeShop(kit))
beforeEach(async () => {
  kit.clock.nowMs = now
  await kit.sql('delete from usage_rollups')
  await kit.sql('delete from usage_batches')
})

/** A row for each of so many hours from a moment on. */
const fill = (from: string, hours: number, variant = 'on') =>
  kit.sql(
    `insert into usage_rollups
     select f.org_id, e.id, f.id, $3, $1::timestamptz + h * interval '1 hour', 2, 3,
       $1::timestamptz + h * interval '1 hour' + interval '59 minutes', null
     from flags f join environments e on e.project_id = f.project_id and e.key = 'production',
       generate_series(0, $2::int - 1) h where f.key = 'checkout'`,
    [from, hours, variant],
  )
const clean = (db: Database = kit.deps.db) => cleanUsage(db, new Date(now))
const rows = () =>
  kit.sql<{ at: string; variant: string; evaluations: number; last: string }>(
    `select to_char(hour at time zone 'UTC', 'MM-DD HH24') as at, variant, evaluations::int, deliveries::int,
       to_char(last_evaluated_at at time zone 'UTC', 'MM-DD HH24:MI') as last
     from usage_rollups order by hour, variant`,
  )

test('hours of days that are more than 8 days ago become days, with their sums and last uses', async () => {
  await fill('2026-11-10T00:00:00Z', 24)
  await fill('2026-11-10T22:00:00Z', 1, '')
  await fill('2026-11-11T05:00:00Z', 2)
  await fill('2026-11-12T00:00:00Z', 2)
  const recent = [
    { at: '11-12 00', evaluations: 2, last: '11-12 00:59' },
    { at: '11-12 01', evaluations: 2, last: '11-12 01:59' },
  ]
  const folded = [
    { at: '11-10 00', variant: '', evaluations: 2, deliveries: 3, last: '11-10 22:59' },
    { at: '11-10 00', variant: 'on', evaluations: 48, deliveries: 72, last: '11-10 23:59' },
    { at: '11-11 00', variant: 'on', evaluations: 4, deliveries: 6, last: '11-11 06:59' },
  ]
  await clean()
  expect(await rows()).toMatchObject([...folded, ...recent])
  await clean()
  expect(await rows()).toMatchObject([...folded, ...recent])
  await fill('2026-11-10T07:00:00Z', 1) // what was counted late
  await clean()
  expect((await rows())[1]).toMatchObject({ evaluations: 50, last: '11-10 23:59' })
})

test('usage by the day is the same after it as before', async () => {
  await fill('2026-10-25T03:00:00Z', 600)
  const path = `${production}/flags/checkout/usage?from=2026-10-20T00:00:00Z`
  const before = await kit.ok('GET', path)
  await clean()
  expect((await rows()).length).toBeLessThan(250)
  expect(await kit.ok('GET', path)).toEqual(before)
  expect(before.points.length).toBeGreaterThan(20)
})

test('the list of stale flags says the same after it as before', async () => {
  await kit.sql("update flags set created_at = '2026-01-01'")
  await fill('2026-10-20T10:00:00Z', 1, 'off')
  const ask = async () => {
    const { items, ...rest } = await kit.ok('GET', `${production}/stale-flags`)
    const [checkout] = items.filter(({ key }: { key: string }) => key === 'checkout')
    return { ...rest, checkout, reasons: checkout?.reasons.map(({ code }: { code: string }) => code) }
  }
  expect((await ask()).reasons).toEqual(['unused'])
  await fill('2026-10-21T05:00:00Z', 2) // within 30 days, on the day on which they began
  const before = await ask()
  expect(before.reasons).toEqual(['one_variant'])
  await clean()
  const after = await ask()
  expect({ ...after, observedSince: null }).toEqual({ ...before, observedSince: null })
  expect([before.observedSince, after.observedSince]).toEqual([
    '2026-10-20T10:00:00.000Z',
    '2026-10-20T00:00:00.000Z',
  ])
})

test('by the hour usage is told for as long as it is kept so, and what lies before is refused', async () => {
  await fill('2026-11-01T00:00:00Z', 460)
  await clean()
  const path = `${production}/flags/checkout/usage?by=hour`
  const from = new Date(now - 8 * dayMs).toISOString()
  const to = new Date(now - dayMs).toISOString()
  expect((await kit.ok('GET', `${path}&from=${from}&to=${to}`)).points).toHaveLength(7 * 24 + 1)
  expect((await kit.ok('GET', `${path}&to=${to}`)).points).toHaveLength(7 * 24 + 1)
  const tooOld = new Date(now - 8 * dayMs - 1).toISOString()
  expect(pointersOf(await kit.call('GET', `${path}&from=${tooOld}&to=${to}`))).toEqual(['from'])
  expect(pointersOf(await kit.call('GET', `${path}&to=${tooOld}`))).toEqual(['to'])
})

test('batches are forgotten after a week, and roll-ups after 400 whole days, not a day earlier', async () => {
  const age = async (batchDays: number, rollUpDays: number) => {
    await kit.sql('update usage_batches set received_at = $1', [new Date(now - batchDays * dayMs)])
    await kit.sql('update usage_rollups set hour = $1', [new Date(now - rollUpDays * dayMs)])
    await clean()
    const [left] = await kit.sql<{ batches: number; rows: number }>(
      'select (select count(*) from usage_batches)::int as batches, (select count(*) from usage_rollups)::int as rows',
    )
    return left
  }
  await fill('2026-11-20T00:00:00Z', 1)
  await kit.sql(
    "insert into usage_batches select org_id, id, 'b.0', now() from environments where key = 'production'",
  )
  expect(await age(6.9, 400)).toEqual({ batches: 1, rows: 1 })
  expect(await age(7.1, 401)).toEqual({ batches: 0, rows: 0 })
})

test('what is too much for one transaction goes in several', async () => {
  await kit.sql(
    `insert into usage_batches select org_id, id, 'b' || n || '.0', '2026-01-01' from environments, generate_series(1, 20001) n
     where key = 'production'`,
  )
  await kit.sql(
    `insert into usage_rollups select f.org_id, e.id, f.id, 'v' || v, '2026-11-02T00:00:00Z'::timestamptz + h * interval '1 hour', 1, 0
     from flags f join environments e on e.project_id = f.project_id, generate_series(1, 700) v, generate_series(1, 20) h
     where f.key = 'checkout' and e.key = 'production'`,
  )
  let transactions = 0
  const write: Database['write'] = (orgId, work) => {
    transactions++
    return kit.deps.db.write(orgId, work)
  }
  await clean({ ...kit.deps.db, write })
  expect(await kit.sql('select id from usage_batches')).toEqual([])
  const kept = await rows()
  expect([kept.length, new Set(kept.map(({ evaluations }) => evaluations))]).toEqual([700, new Set([20])])
  // Of acme three for batches, one for what is older than 400 days, two for the day; of metrics two that find nothing.
  // Of the other tenant four that find nothing.
  expect(transactions).toBe(12)
})

test('a tenant that cannot be cleaned keeps no other from being', async () => {
  await fill('2026-11-10T00:00:00Z', 24)
  const [first = ''] = await kit.deps.db.listOrganizations()
  const [{ org = '' } = {}] = await kit.sql<{ org: string }>(
    'select org_id as org from usage_rollups limit 1',
  )
  const write: Database['write'] = (orgId, work) =>
    orgId === org ? kit.deps.db.write(orgId, work) : Promise.reject(new Error('broken'))
  // Whichever is first, the one that fails comes before the other.
  const listOrganizations = async () => [first === org ? 'org_broken' : first, org]
  await clean({ ...kit.deps.db, write, listOrganizations })
  expect(await rows()).toHaveLength(1)
})
