import { beforeAll, beforeEach, expect, test } from 'vitest'
import { makeShop, pointersOf, expectProblem, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
const now = Date.parse('2026-11-20T12:30:00Z')
const hourMs = 3_600_000
const dayMs = 24 * hourMs
const old = new Date(now - 60 * dayMs)

beforeAll(async () => {
  await makeShop(kit)
  const extra = { valueType: 'boolean' }
  const ends = new Date(now - dayMs).toISOString()
  const flags = [
    { key: 'gate', ...extra },
    {
      key: 'needs-gate',
      ...extra,
      environments: { production: { prerequisites: [{ flag: 'gate', variants: ['on'] }] } },
    },
    { key: 'switch', ...extra, kind: 'operational' },
    { key: 'short-switch', ...extra, kind: 'operational', temporary: true },
    { key: 'done', ...extra, expiresAt: ends, onExpiry: { variant: 'on' } },
    { key: 'young', ...extra },
  ]
  await kit.ok('POST', `${shop}/flags/import`, { body: { flags } })
})

beforeEach(async () => {
  kit.clock.nowMs = now
  await kit.sql('delete from usage_rollups')
  await kit.sql("update flags set created_at = $1 where key <> 'young'", [old])
})

interface Given {
  readonly key: string
  readonly variant?: string
  readonly agoMs?: number
  readonly evaluations?: number
  readonly deliveries?: number
  readonly environment?: string
}

/** A row of the roll-ups. */
async function give(given: Given) {
  const {
    key,
    variant = 'on',
    agoMs = 0,
    evaluations = 0,
    deliveries = 0,
    environment = 'production',
  } = given
  const at = new Date(now - agoMs)
  await kit.sql(
    `insert into usage_rollups select f.org_id, e.id, f.id, $2, date_trunc('hour', $3::timestamptz), $4::int, $5::int,
       case when $4 > 0 then $3::timestamptz end, case when $5 > 0 then $3::timestamptz end
     from flags f join environments e on e.project_id = f.project_id and e.key = $6 where f.key = $1`,
    [key, variant, at, evaluations, deliveries, environment],
  )
}

const usageOf = (key: string, query = '') => kit.ok('GET', `${production}/flags/${key}/usage${query}`)
const stale = async (query = '') => await kit.ok('GET', `${production}/stale-flags${query}`)
const reasonsOf = async () =>
  Object.fromEntries(
    (await stale()).items.map(({ key, reasons }: { key: string; reasons: { code: string }[] }) => [
      key,
      reasons.map(({ code }) => code),
    ]),
  )

const keysOf = ({ items }: { items: { key: string }[] }) => items.map(({ key }) => key)

test('usage is told by day and variant, with the last evaluation and the last delivery', async () => {
  await give({ key: 'checkout', evaluations: 3 })
  await give({ key: 'checkout', agoMs: hourMs, evaluations: 2, deliveries: 9 })
  await give({ key: 'checkout', variant: '', agoMs: dayMs, evaluations: 1 })
  await give({ key: 'checkout', environment: 'staging', evaluations: 100 })
  await give({ key: 'banner', variant: 'short', evaluations: 100 })
  expect(await usageOf('checkout')).toEqual({
    key: 'checkout',
    environment: 'production',
    from: '2026-10-21T00:00:00.000Z',
    to: '2026-11-20T12:30:00.000Z',
    by: 'day',
    evaluations: 6,
    deliveries: 9,
    lastEvaluatedAt: '2026-11-20T12:30:00.000Z',
    lastDeliveredAt: '2026-11-20T11:30:00.000Z',
    variants: [
      { variant: null, evaluations: 1, deliveries: 0 },
      { variant: 'on', evaluations: 5, deliveries: 9 },
    ],
    points: [
      { at: '2026-11-19T00:00:00.000Z', variant: null, evaluations: 1, deliveries: 0 },
      { at: '2026-11-20T00:00:00.000Z', variant: 'on', evaluations: 5, deliveries: 9 },
    ],
  })
})

test('usage by the hour is of the hours asked for, and the last evaluation may lie before them', async () => {
  await give({ key: 'checkout', agoMs: 5 * hourMs, evaluations: 1 })
  await give({ key: 'checkout', agoMs: 2 * hourMs, deliveries: 4 })
  const usage = await usageOf('checkout', '?by=hour&from=2026-11-20T10:59:00Z&to=2026-11-20T13:00:00%2B01:00')
  expect(usage).toMatchObject({ from: '2026-11-20T10:00:00.000Z', to: '2026-11-20T12:00:00.000Z' })
  expect(usage).toMatchObject({ evaluations: 0, lastEvaluatedAt: '2026-11-20T07:30:00.000Z' })
  expect(usage.points).toEqual([
    { at: '2026-11-20T10:00:00.000Z', variant: 'on', evaluations: 0, deliveries: 4 },
  ])
})

test('a flag that nobody asked for has no usage, and says so', async () => {
  expect(await usageOf('checkout')).toMatchObject({
    evaluations: 0,
    deliveries: 0,
    lastEvaluatedAt: null,
    lastDeliveredAt: null,
    points: [],
  })
})

test('usage is refused for spans that are too long or backwards, and for what does not exist', async () => {
  const path = `${production}/flags/checkout/usage`
  for (const query of [
    '?by=hour&from=2026-11-12T00:00:00Z',
    '?from=2025-01-01T00:00:00Z',
    '?from=2026-11-20T13:00:00Z',
  ])
    expect(pointersOf(await kit.call('GET', path + query))).toEqual(['from'])
  expect(pointersOf(await kit.call('GET', `${path}?to=yesterday`))).toEqual(['to'])
  expectProblem(await kit.call('GET', `${production}/flags/nothing/usage`), 'flag_not_found')
  expectProblem(
    await kit.call('GET', `${shop}/environments/none/flags/checkout/usage`),
    'environment_not_found',
  )
  expectProblem(await kit.call('GET', `${shop}/environments/none/stale-flags`), 'environment_not_found')
})

test('of another tenant nothing is told, and short forms answer for the place of their token', async () => {
  await give({ key: 'checkout', evaluations: 3 })
  const token = kit.rivalToken
  for (const path of [`${production}/flags/checkout/usage`, `${production}/stale-flags`])
    expectProblem(await kit.call('GET', path, { token }), 'organization_not_found')
  const bound = await kit.makeToken({ project: 'shop', environment: 'production', role: 'viewer' })
  expect(await kit.ok('GET', '/flags/checkout/usage', { token: bound })).toMatchObject({ evaluations: 3 })
  expect(await kit.ok('GET', '/stale-flags', { token: bound })).toMatchObject({ environment: 'production' })
  expectProblem(await kit.call('GET', '/stale-flags'), 'forbidden')
})

test('unused is a flag of 30 days that was neither evaluated nor delivered in them, and that no other needs', async () => {
  await give({ key: 'checkout', agoMs: 31 * dayMs, evaluations: 5 })
  await give({ key: 'banner', variant: 'short', deliveries: 1 })
  await give({ key: 'banner', variant: 'long', deliveries: 1 })
  expect(await reasonsOf()).toEqual({
    checkout: ['unused'],
    done: ['expired', 'unused'],
    'needs-gate': ['unused'],
    'short-switch': ['unused'],
  })
  await kit.ok('DELETE', `${shop}/flags/needs-gate`)
  expect(await reasonsOf()).toMatchObject({ gate: ['unused'] })
  await kit.ok('POST', `${shop}/flags/needs-gate/restore`, { body: {} })
})

test('one variant is told of a flag that gave nothing else for 30 days, not of one first used lately', async () => {
  await give({ key: 'checkout', agoMs: 40 * dayMs, variant: 'off', evaluations: 5 })
  await give({ key: 'checkout', agoMs: dayMs, evaluations: 5 })
  await give({ key: 'banner', variant: 'short', evaluations: 5 })
  await give({ key: 'gate', variant: '', agoMs: 40 * dayMs, evaluations: 5 })
  await give({ key: 'gate', variant: '', evaluations: 5 })
  const { items } = await stale()
  const [checkout] = items.filter(({ key }: { key: string }) => key === 'checkout')
  expect(checkout).toMatchObject({
    lastEvaluatedAt: '2026-11-19T12:30:00.000Z',
    lastDeliveredAt: null,
    reasons: [{ code: 'one_variant', detail: 'for 30 days it gave everybody "on"' }],
  })
  const named = items.map(({ key }: { key: string }) => key)
  expect(named).not.toContain('banner')
  expect(named).not.toContain('gate')
  await give({ key: 'checkout', variant: 'off', agoMs: 29 * dayMs, deliveries: 1 })
  expect(await reasonsOf()).not.toHaveProperty('checkout')
})

test('where nothing was counted for 30 days, nothing is said by usage: only what has expired', async () => {
  expect(await stale()).toMatchObject({ observedSince: null, leftOut: { permanent: 1, young: 7 } })
  expect(await reasonsOf()).toEqual({ done: ['expired'] })
  await give({ key: 'checkout', agoMs: 29 * dayMs, evaluations: 5 })
  expect(await reasonsOf()).toEqual({ done: ['expired'] })
  await give({ key: 'checkout', agoMs: 31 * dayMs, evaluations: 5 })
  expect(await stale()).toMatchObject({
    observedSince: '2026-10-20T12:00:00.000Z',
    leftOut: { permanent: 1, young: 1 },
  })
})

test('the list comes in pages by key', async () => {
  await give({ key: 'checkout', agoMs: 31 * dayMs, evaluations: 5 })
  const first = await stale('?limit=2')
  const second = await stale(`?limit=10&cursor=${first.nextCursor}`)
  expect(keysOf(first)).toEqual(['banner', 'checkout'])
  expect(keysOf(second)).toEqual(['done', 'needs-gate', 'short-switch'])
  expect(second.nextCursor).toBeNull()
})
