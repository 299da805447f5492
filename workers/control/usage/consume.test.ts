import { beforeEach, expect, test } from 'vitest'
import type { UsageCount, UsageMessage } from '@halyard/shared/contract/usage.ts'
import { openDatabase } from '../store/database.ts'
import { makeShop, shop, useKit } from '../test-kit.ts'
import { consumeUsage, type Queued } from './consume.ts'

const kit = useKit()
const at = Date.parse('2026-11-20T11:30:00Z')
let environment: string

beforeEach(async () => {
  const projects = await kit.ok('GET', '/orgs/acme/projects')
  if (projects.items.length === 0) await makeShop(kit)
  environment = (await kit.ok('GET', `${shop}/environments/production`)).id
  await kit.sql('delete from usage_rollups')
  await kit.sql('delete from usage_batches')
})

function messageOf(id: string, counts: readonly Partial<UsageCount>[], rest: Partial<UsageMessage> = {}) {
  const plain = { kind: 'evaluations', flag: 'checkout', variant: 'on', count: 1, to: at } as const
  const all = counts.map((count) => ({ ...plain, ...count }))
  const groups = all.map(({ kind, to, flag, variant, count }) => ({
    kind,
    to,
    given: [[flag, variant, count]],
  }))
  return { environment, id: `${id}.0`, source: 'server' as const, counts: groups, ...rest }
}

/** Consumes as the queue would have it; gives what was said of each message. */
async function consume(bodies: readonly unknown[], db = kit.deps.db, attempts = 1) {
  const said: (string | number)[] = []
  const reports: unknown[] = []
  const messages = bodies.map((body): Queued => ({
    body,
    attempts,
    ack: () => said.push('ack'),
    retry: ({ delaySeconds }) => said.push(delaySeconds),
  }))
  await consumeUsage(messages, { db, nowMs: () => at, report: (error) => reports.push(error) })
  return { said, reports }
}

const totals = () =>
  kit.sql<{ key: string; variant: string; evaluations: number; deliveries: number }>(
    `select key, variant, sum(evaluations)::int as evaluations, sum(deliveries)::int as deliveries
     from usage_rollups u join flags f on f.id = u.flag_id group by 1, 2 order by 1, 2`,
  )

/** How many transactions a consumption takes, and what was said. */
async function consumeCounted(bodies: readonly unknown[]) {
  let transactions = 0
  const write: typeof kit.deps.db.write = (orgId, work) => {
    transactions++
    return kit.deps.db.write(orgId, work)
  }
  return { ...(await consume(bodies, { ...kit.deps.db, write })), transactions }
}

test('a message is counted in the environment that it names, and acknowledged', async () => {
  const counts = [{ count: 3 }, { kind: 'deliveries', count: 2 } as const, { variant: null, count: 1 }]
  expect((await consume([messageOf('a', counts)])).said).toEqual(['ack'])
  expect(await totals()).toEqual([
    { key: 'checkout', variant: '', evaluations: 1, deliveries: 0 },
    { key: 'checkout', variant: 'on', evaluations: 3, deliveries: 2 },
  ])
  const places = await kit.sql<{ id: string }>('select environment_id as id from usage_rollups')
  expect(new Set(places.map(({ id }) => id))).toEqual(new Set([environment]))
})

test('a batch that comes again is acknowledged and counted once, and another adds to it', async () => {
  const first = messageOf('a', [{ count: 3 }])
  expect((await consume([first, first])).said).toEqual(['ack', 'ack'])
  await consume([first, messageOf('b', [{ count: 4 }])])
  expect(await totals()).toEqual([{ key: 'checkout', variant: 'on', evaluations: 7, deliveries: 0 }])
})

test('many at once, the same and others, count each batch once', async () => {
  const bodies = Array.from({ length: 12 }, (_, i) =>
    messageOf(`m${i % 4}`, [{ count: 1 }, { variant: 'off', count: 2 }]),
  )
  const done = await Promise.all(bodies.map((body) => consume([body])))
  expect(done.map(({ said }) => said)).toEqual(bodies.map(() => ['ack']))
  expect(await totals()).toMatchObject([
    { variant: 'off', evaluations: 8 },
    { variant: 'on', evaluations: 4 },
  ])
})

test('what comes together for one environment is one transaction, and repeated ones in it count once', async () => {
  const [staging = { id: '' }] = await kit.sql<{ id: string }>(
    "select id from environments where key = 'staging'",
  )
  await consume([messageOf('m3', [{ count: 100 }])])
  const bodies = Array.from({ length: 20 }, (_, i) =>
    messageOf(`m${i % 10}`, [{ count: 1 }, { variant: 'off', count: 2 }]),
  )
  const elsewhere = messageOf('m1', [{ count: 5 }], { environment: staging.id })
  const { said, transactions } = await consumeCounted([...bodies, elsewhere])
  expect(said).toEqual([...bodies, elsewhere].map(() => 'ack'))
  expect(transactions).toBe(2)
  expect(await totals()).toMatchObject([
    { variant: 'off', evaluations: 18 },
    { variant: 'on', evaluations: 114 },
  ])
})

test('what cannot be counted holds up none that came with it', async () => {
  const bodies = Array.from({ length: 9 }, (_, i) => messageOf(`m${i}`, [{ count: 1 }]))
  const strange = messageOf('strange', [{ to: Number.MAX_SAFE_INTEGER }]) // no moment that there is
  const { said, reports } = await consume([...bodies.slice(0, 4), strange, ...bodies.slice(4)])
  expect(said.toSorted()).toEqual([10, ...bodies.map(() => 'ack')].toSorted())
  expect(String(reports.at(-1))).toMatch(/date|time/i)
  expect(await totals()).toMatchObject([{ evaluations: 9 }])
})

test('more rows than one statement writes are all written', async () => {
  const counts = Array.from({ length: 2_500 }, (_, i) => ({ to: at - i * 3_600_000 }))
  expect((await consume([messageOf('a', counts)])).said).toEqual(['ack'])
  expect(await totals()).toMatchObject([{ evaluations: 2_500 }])
})

test('flags and variants that do not exist leave no trace, whatever their names', async () => {
  const counts = [{ flag: 'invented' }, { variant: 'invented' }, { variant: '\0' }, { variant: '\ud800' }]
  expect((await consume([messageOf('a', counts)])).said).toEqual(['ack'])
  expect(await totals()).toEqual([])
  expect(await kit.sql('select id from usage_batches')).toEqual([])
})

test('class client counts for no flag that is hidden from it', async () => {
  const counts = [{}, { flag: 'banner', variant: 'short' }]
  await consume([messageOf('a', counts, { source: 'client' })])
  expect((await totals()).map(({ key }) => key)).toEqual(['checkout'])
})

test("flags are those of the environment's own project and tenant", async () => {
  const theirs = { token: kit.rivalToken }
  await kit.ok('POST', '/orgs/rival/projects', { ...theirs, body: { key: 'shop' } })
  const [{ id } = { id: '' }] = await kit.sql<{ id: string }>(
    `select e.id from environments e join organizations o on o.id = e.org_id where o.key = 'rival' and e.key = 'production'`,
  )
  expect((await consume([messageOf('a', [{}], { environment: id })])).said).toEqual(['ack'])
  expect(await totals()).toEqual([])
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'second' } })
  await kit.ok('POST', '/orgs/acme/projects/second/flags', { body: { key: 'checkout' } })
  await kit.ok('POST', '/orgs/acme/projects/second/flags', { body: { key: 'theirs' } })
  await consume([messageOf('b', [{}, { flag: 'theirs' }])])
  const projects = await kit.sql(
    'select p.key from usage_rollups u join flags f on f.id = u.flag_id join projects p on p.id = f.project_id',
  )
  expect(projects).toEqual([{ key: 'shop' }])
})

test('an environment that is gone is acknowledged', async () => {
  const gone = messageOf('a', [{}], { environment: `env_${'0'.repeat(26)}` })
  expect((await consume([gone])).said).toEqual(['ack'])
})

test('what cannot be read comes again, ever later, and holds up nothing', async () => {
  const strange = { ...messageOf('a', [{}]), form: 2 }
  const { said, reports } = await consume([strange, messageOf('b', [{}])])
  expect(said).toEqual([10, 'ack'])
  expect(reports).toHaveLength(1)
  expect((await consume([strange], kit.deps.db, 40)).said).toEqual([3_600])
})

test('without a database every message comes again', async () => {
  const url = kit.database.appUrl
  const dead = openDatabase({ url, gateway: '127.0.0.1:1', waitUntil: (work) => void work })
  try {
    const { said, reports } = await consume([messageOf('a', [{}]), messageOf('b', [{}])], dead)
    expect(said).toEqual([10, 10])
    expect(reports).toHaveLength(1) // the rest were not tried
  } finally {
    openDatabase({ url, gateway: kit.database.gateway, waitUntil: () => {} })
  }
})

test('a message of which not all could be written is not counted at all, and is when it comes again', async () => {
  const bodies = [messageOf('a', [{}])]
  await kit.sql('alter table usage_rollups add constraint broken check (evaluations < 0)')
  expect((await consume(bodies)).said).toEqual([10])
  await kit.sql('alter table usage_rollups drop constraint broken')
  await consume(bodies)
  expect(await totals()).toMatchObject([{ evaluations: 1 }])
})
