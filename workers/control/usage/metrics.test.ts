import { beforeEach, expect, test } from 'vitest'
import type { UsageMessage } from '@halyard/shared/contract/usage.ts'
import { expectProblem, makeShop, pointersOf, production, shop, useKit } from '../test-kit.ts'
import { cleanUsage } from './clean-usage.ts'
import { consumeUsage, type Queued } from './consume.ts'

const kit = useKit()
const now = Date.parse('2026-11-20T11:30:00Z')
const hourMs = 3_600_000
const dayMs = 24 * hourMs
let environment: string

beforeEach(async () => {
  kit.clock.nowMs = now
  const projects = await kit.ok('GET', '/orgs/acme/projects')
  if (projects.items.length === 0) await makeShop(kit)
  environment = (await kit.ok('GET', production)).id
  for (const table of ['metric_rollups', 'metrics', 'usage_rollups', 'usage_batches'])
    await kit.sql(`delete from ${table}`) // oxlint-disable-line no-await-in-loop -- one connection
})

type Given = [name: string, count: number, sum?: number | null, to?: number]

function messageOf(
  id: string,
  given: readonly Given[],
  source: UsageMessage['source'] = 'server',
): UsageMessage {
  const counts = given.map(([name, count, sum = null, to = now]) => ({
    kind: 'metrics' as const,
    to,
    given: [[name, count, sum] satisfies [string, number, number | null]],
  }))
  return { environment, id: `${id}.0`, source, counts }
}

/** Consumes as the queue would have it; gives what was said of each message, and what was reported. */
async function consume(...bodies: readonly unknown[]) {
  const said: string[] = []
  const reports: string[] = []
  const messages = bodies.map((body): Queued => ({
    body,
    attempts: 1,
    ack: () => said.push('ack'),
    retry: () => said.push('retry'),
  }))
  const report = (error: unknown) => void reports.push(String(error))
  await consumeUsage(messages, { db: kit.deps.db, nowMs: () => now, report })
  return { said, reports }
}

const list = (query = '') => kit.ok('GET', `${production}/metrics${query}`)
const read = (name: string, query = '') => kit.ok('GET', `${production}/metrics/${name}${query}`)

test('metrics are told by day and class of key, with their counts, sums and last times', async () => {
  await consume(
    messageOf('a', [
      ['checkout', 3, 12.5],
      ['checkout', 2, null, now - dayMs],
      ['signup', 1],
    ]),
    messageOf('b', [['checkout', 4, -2.5, now - hourMs]], 'client'),
  )
  const span = { environment: 'production', from: '2026-10-21T00:00:00.000Z', to: '2026-11-20T11:30:00.000Z' }
  expect(await list()).toEqual({
    items: [
      {
        name: 'checkout',
        count: 9,
        sum: 10,
        lastAt: '2026-11-20T11:30:00.000Z',
        sources: ['server', 'client'],
      },
      { name: 'signup', count: 1, sum: null, lastAt: '2026-11-20T11:30:00.000Z', sources: ['server'] },
    ],
    nextCursor: null,
    ...span,
    full: [],
  })
  expect(await read('checkout')).toEqual({
    name: 'checkout',
    ...span,
    by: 'day',
    count: 9,
    sum: 10,
    lastAt: '2026-11-20T11:30:00.000Z',
    sources: [
      { source: 'server', count: 5, sum: 12.5, lastAt: '2026-11-20T11:30:00.000Z' },
      { source: 'client', count: 4, sum: -2.5, lastAt: '2026-11-20T10:30:00.000Z' },
    ],
    points: [
      { at: '2026-11-19T00:00:00.000Z', source: 'server', count: 2, sum: null },
      { at: '2026-11-20T00:00:00.000Z', source: 'server', count: 3, sum: 12.5 },
      { at: '2026-11-20T00:00:00.000Z', source: 'client', count: 4, sum: -2.5 },
    ],
  })
})

test('a batch that comes again is counted once, and another adds to it, with and without values', async () => {
  const first = messageOf('a', [['checkout', 3, 1.5]])
  expect((await consume(first, first)).said).toEqual(['ack', 'ack'])
  // Into the same row, with and without a sum, one after the other and together.
  await consume(
    first,
    messageOf('b', [
      ['checkout', 4],
      ['signup', 1],
    ]),
  )
  await consume(
    messageOf('c', [
      ['checkout', 1, 0.25],
      ['signup', 1, 2],
    ]),
    messageOf('d', [['signup', 1]]),
  )
  expect(await read('checkout')).toMatchObject({ count: 8, sum: 1.75 })
  expect(await read('signup')).toMatchObject({ count: 3, sum: 2 })
})

test('a message of before metrics is counted as it was', async () => {
  const counts = [{ kind: 'evaluations', to: now, given: [['checkout', 'on', 3]] }]
  expect((await consume({ environment, id: 'a.0', source: 'server', counts })).said).toEqual(['ack'])
  expect(await kit.ok('GET', `${production}/flags/checkout/usage`)).toMatchObject({ evaluations: 3 })
})

test('by the hour, and within a span; the last time may lie after it', async () => {
  await consume(
    messageOf('a', [
      ['checkout', 1],
      ['checkout', 2, 7, now - 3 * hourMs],
    ]),
  )
  const points = await read('checkout', '?by=hour&from=2026-11-20T08:10:00Z&to=2026-11-20T09:00:00Z')
  expect(points).toMatchObject({ count: 2, sum: 7, lastAt: '2026-11-20T11:30:00.000Z', by: 'hour' })
  expect(points.points).toEqual([{ at: '2026-11-20T08:00:00.000Z', source: 'server', count: 2, sum: 7 }])
  expect((await list('?to=2026-11-20T00:00:00Z')).items).toMatchObject([{ count: 0, sum: null }])
})

test('pages go through all names in order, whoever sent them', async () => {
  const names = ['A', 'Z', 'a', 'b.c', 'z']
  await consume(
    messageOf(
      'a',
      names.map((name) => [name, 1]),
    ),
    messageOf('b', [['m', 1]], 'client'),
  )
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const query: string = cursor === '' ? '?limit=2' : `?limit=2&cursor=${cursor}`
    const page = await list(query) // oxlint-disable-line no-await-in-loop -- each says where the next begins
    seen.push(...page.items.map(({ name }: { name: string }) => name))
    cursor = page.nextCursor
  }
  expect(seen).toEqual(['A', 'Z', 'a', 'b.c', 'm', 'z'])
})

test('each class of key has 1,000 names: further ones are not counted, and both the log and the list say so', async () => {
  const many = Array.from({ length: 1_000 }, (_, i): Given => [`n${i}`, 1])
  await consume(messageOf('a', many.slice(0, 999), 'client'), messageOf('b', [['kept', 1]]))
  const { said, reports } = await consume(
    messageOf(
      'c',
      [
        ['x1', 1],
        ['x2', 1],
        ['n0', 5],
      ],
      'client',
    ),
  )
  expect(said).toEqual(['ack'])
  expect(reports).toEqual([expect.stringMatching(/1 metrics were not counted.*1000 names.*: x2 \(client\)$/)])
  expect(await list('?limit=1')).toMatchObject({ full: ['client'] })
  expect(await read('n0')).toMatchObject({ count: 6 })
  expect(await read('x1')).toMatchObject({ count: 1 })
  expectProblem(await kit.call('GET', `${production}/metrics/x2`), 'metric_not_found')
  // Nothing of what has no place is kept, and no other class has less room for it.
  await consume(messageOf('d', [['x2', 1]], 'client'))
  expect(await kit.sql("select id from usage_batches where id = 'd.0'")).toEqual([])
  expect((await consume(messageOf('e', [['x2', 2]]))).reports).toEqual([])
  expect(await read('x2')).toMatchObject({ count: 2, sources: [{ source: 'server', count: 2 }] })
})

const namesOf = (i: number) => Array.from({ length: 300 }, (_, n): Given => [`m${i}-${n}`, 1])

test('many at once do not take more places than there are', async () => {
  await Promise.all(Array.from({ length: 8 }, (_, i) => consume(messageOf(`m${i}`, namesOf(i)))))
  expect(await kit.sql('select count(*)::int as n from metrics')).toEqual([{ n: 1_000 }])
  expect(await kit.sql('select sum(count)::int as n from metric_rollups')).toEqual([{ n: 1_000 }])
})

test('old hours become days with their sums, and points by the day stay the same', async () => {
  const from = Date.parse('2026-10-25T03:00:00Z')
  const given = Array.from({ length: 600 }, (_, i): Given => [
    'checkout',
    2,
    i % 2 ? 0.5 : null,
    from + i * hourMs,
  ])
  await consume(messageOf('a', given))
  const before = await read('checkout')
  await cleanUsage(kit.deps.db, new Date(now))
  const [rows] = await kit.sql<{ n: number }>('select count(*)::int as n from metric_rollups')
  expect(rows?.n).toBeLessThan(250)
  expect(await read('checkout')).toEqual(before)
  await cleanUsage(kit.deps.db, new Date(now))
  expect(await read('checkout')).toEqual(before)
})

const age = async (days: number) => {
  const at = new Date(now - days * dayMs)
  await kit.sql('update metrics set last_at = $1', [at])
  await kit.sql('update metric_rollups set hour = $1', [at])
  await cleanUsage(kit.deps.db, new Date(now))
  return (await list()).items.length
}

test('a metric that did not happen for 400 days gives its place back, not a day earlier', async () => {
  await consume(messageOf('a', [['checkout', 1]]))
  expect([await age(400), await age(401)]).toEqual([1, 0])
})

test('of another tenant nothing is told, and short forms answer for the place of their token', async () => {
  await consume(messageOf('a', [['checkout', 3]]))
  const token = kit.rivalToken
  for (const path of [`${production}/metrics`, `${production}/metrics/checkout`])
    expectProblem(await kit.call('GET', path, { token }), 'organization_not_found') // oxlint-disable-line no-await-in-loop
  const bound = await kit.makeToken({ project: 'shop', environment: 'production', role: 'viewer' })
  expect((await kit.ok('GET', '/metrics', { token: bound })).items).toMatchObject([{ count: 3 }])
  expect(await kit.ok('GET', '/metrics/checkout', { token: bound })).toMatchObject({ count: 3 })
  const staging = await kit.makeToken({ project: 'shop', environment: 'staging', role: 'viewer' })
  expectProblem(await kit.call('GET', '/metrics/checkout', { token: staging }), 'metric_not_found')
})

test('what is asked for is checked', async () => {
  await consume(messageOf('a', [['checkout', 3]]))
  expect(pointersOf(await kit.call('GET', `${production}/metrics?from=2025-01-01T00:00:00Z`))).toEqual([
    'from',
  ])
  expect(pointersOf(await kit.call('GET', `${production}/metrics?by=day`))).toEqual(['by'])
  expect(pointersOf(await kit.call('GET', `${production}/metrics/checkout?to=soon`))).toEqual(['to'])
  expectProblem(await kit.call('GET', `${shop}/environments/none/metrics`), 'environment_not_found')
  expectProblem(await kit.call('GET', `${production}/metrics/nothing`), 'metric_not_found')
})
