import { expect, test } from 'vitest'
import { listCounts, listMetrics, type UsageMessage } from '@halyard/shared/contract/usage.ts'
import { eventLimits } from '@halyard/shared/protocol/event-limits.ts'
import { makeWorld, startEdge, type CallOptions } from './test-kit.ts'

const now = Date.parse('2026-11-20T12:00:00Z')
const summary = {
  kind: 'evaluations',
  flag: 'banner',
  variant: 'on',
  count: 3,
  from: '2026-11-20T11:50:00Z',
  to: now,
}
const metric = { kind: 'metric', name: 'signup', count: 2, from: now, to: now }
const batch = { id: 'b1', events: [summary] }

/** An edge at `now` whose queue keeps what it is given. */
async function start(send?: () => Promise<never>, EVENT_BATCHES?: RateLimit) {
  const world = await makeWorld()
  await world.publish(1)
  const sent: UsageMessage[] = []
  const keep = async (message: UsageMessage) => void sent.push(message)
  const edge = startEdge({ EVENTS: { send: send ?? keep }, ...(EVENT_BATCHES && { EVENT_BATCHES }) }, now)
  const post = (body: unknown, options: CallOptions = {}) =>
    edge.call('/v1/events', { key: world.server.text, body, ...options })
  return { ...world, sent, post }
}

test('a batch of evaluation summaries is on the queue when it is answered 202', async () => {
  const { post, sent, environment } = await start()
  const answer = await post({ id: 'b1', events: [summary, { ...summary, variant: null, count: 1 }] })
  expect(answer.status).toBe(202)
  expect(await answer.json()).toEqual({ accepted: 2 })
  const given = [
    ['banner', 'on', 3],
    ['banner', null, 1],
  ]
  expect(sent).toEqual([
    { environment, id: 'b1.0', source: 'server', counts: [{ kind: 'evaluations', to: now, given }] },
  ])
})

test('metrics are messages of their own behind the evaluations of their batch, each with its sum', async () => {
  const { post, sent, environment } = await start()
  const events = [
    metric,
    summary,
    { ...metric, name: 'paid', sum: -0.5 },
    { ...metric, to: now - 1, from: now - 1 },
  ]
  const answer = await post({ id: 'b1', events })
  expect([answer.status, await answer.json()]).toEqual([202, { accepted: 4 }])
  const common = { environment, source: 'server' }
  expect(sent).toEqual([
    { ...common, id: 'b1.0', counts: [{ kind: 'evaluations', to: now, given: [['banner', 'on', 3]] }] },
    {
      ...common,
      id: 'b1.1',
      counts: [
        {
          kind: 'metrics',
          to: now,
          given: [
            ['signup', 2, null],
            ['paid', 2, -0.5],
          ],
        },
        { kind: 'metrics', to: now - 1, given: [['signup', 2, null]] },
      ],
    },
  ])
})

const longName = (i: number) => `${i}`.padEnd(100, '-')

const ofMoment = (i: number) => ({
  name: longName(i),
  count: 1e9,
  sum: -999_999_999_999_999.9,
  from: now - i,
  to: now - i,
})

test('the longest metrics fit the messages that they are parted into', async () => {
  const { post, sent } = await start()
  // Two requests: one is at most 256 KiB.
  for (const part of [0, 1]) {
    const events = Array.from({ length: 800 }, (_, i) => ({ kind: 'metric', ...ofMoment(part * 800 + i) }))
    expect((await post({ id: `m${part}`, events })).status).toBe(202)
  }
  expect(sent.flatMap(listMetrics).map((count) => count.name)).toEqual(
    Array.from({ length: 1_600 }, (_, i) => longName(i)),
  )
  for (const message of sent) expect(JSON.stringify(message).length).toBeLessThan(128_000)
})

test('the real queue takes a batch', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const event = { ...summary, from: Date.now() - 1_000, to: Date.now() }
  const answer = await startEdge().call('/v1/events', {
    key: server.text,
    body: { id: 'b', events: [event] },
  })
  expect(answer.status).toBe(202)
})

test('class client may send events, from a script too, and its batches say so', async () => {
  const { client, post, sent } = await start()
  const headers = { Origin: 'https://app.example' }
  const answer = await post(batch, { key: client.text, headers })
  expect(answer.status).toBe(202)
  expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
  expect(sent.map(({ source }) => source)).toEqual(['client'])
  const preflight = await post(undefined, { method: 'OPTIONS', headers })
  expect([preflight.status, preflight.headers.get('Access-Control-Allow-Methods')]).toEqual([
    204,
    'POST, OPTIONS',
  ])
})

test('without a key, or with a wrong one, nothing is taken', async () => {
  const { post, sent } = await start()
  for (const key of ['', 'nonsense']) expect((await post(batch, { key })).status).toBe(401)
  expect(sent).toEqual([])
})

test('a window may reach back 24 hours and ahead as far as clocks differ, and ends no later than now', async () => {
  const { post, sent } = await start()
  const of = (from: number, to: number) => post({ id: 'b', events: [{ ...summary, from, to }] })
  expect((await of(now - eventLimits.pastMs, now + eventLimits.futureMs)).status).toBe(202)
  expect(sent[0]?.counts[0]?.to).toBe(now)
  for (const [from, to, where] of [
    [now - eventLimits.pastMs - 1, now, 'events/0/from is more than 24 hours ago'],
    [now, now + eventLimits.futureMs + 1, 'events/0/to is more than 5 minutes ahead'],
    [now, now - 1, 'events/0/from is after "to"'],
  ] as const) {
    const answer = await of(from, to)
    expect([answer.status, (await answer.json<{ errorDetails: string }>()).errorDetails]).toEqual([
      400,
      expect.stringContaining(where),
    ])
  }
  expect(sent).toHaveLength(1)
})

test('whatever is wrong is refused with its place, and nothing of its batch is taken', async () => {
  const { post, sent } = await start()
  const wrong: [unknown, string][] = [
    [{ ...batch, id: 'a b' }, 'id is 1 to 64'],
    [{ ...batch, more: 1 }, 'the batch has "more"'],
    [{ id: 'b1', events: [] }, 'events is a list of 1 to 1000'],
    [{ id: 'b1', events: Array.from({ length: 1_001 }, () => summary) }, 'events is a list of 1 to 1000'],
    [{ id: 'b1', events: [summary, 5] }, 'events/1 is no JSON object'],
    [{ id: 'b1', events: [{ ...summary, kind: 'click' }] }, 'events/0/kind is "evaluations" or "metric"'],
    [{ id: 'b1', events: [{ kind: 'exposure' }] }, 'events/0/kind "exposure" is not supported yet'],
    [{ id: 'b1', events: [{ ...metric, name: 'no way' }] }, 'events/0/name is 1 to 100 of'],
    [{ id: 'b1', events: [{ ...metric, flag: 'banner' }] }, 'events/0 has "flag"'],
    [{ id: 'b1', events: [{ ...metric, count: 0 }] }, 'events/0/count is a whole number'],
    [{ id: 'b1', events: [{ ...metric, sum: '1' }] }, 'events/0/sum is a number from'],
    [{ id: 'b1', events: [{ ...metric, sum: null }] }, 'events/0/sum is a number from'],
    [{ id: 'b1', events: [{ ...metric, sum: 1.1e15 }] }, 'events/0/sum is a number from'],
    [{ id: 'b1', events: [summary, { ...metric, to: 'today' }] }, 'events/1/to is an RFC 3339'],
    [{ id: 'b1', events: [{ ...summary, user: 'u' }] }, 'events/0 has "user"'],
    [{ id: 'b1', events: [{ ...summary, flag: 'no way' }] }, 'events/0/flag is not the key of a flag'],
    [{ id: 'b1', events: [{ ...summary, variant: '' }] }, 'events/0/variant is a text of 1 to 100'],
    [{ id: 'b1', events: [{ ...summary, count: 0 }] }, 'events/0/count is a whole number'],
    [{ id: 'b1', events: [{ ...summary, count: 1.5 }] }, 'events/0/count is a whole number'],
    [{ id: 'b1', events: [{ ...summary, from: 'today' }] }, 'events/0/from is an RFC 3339'],
    [[batch], 'the body is not a JSON object'],
  ]
  for (const [body, details] of wrong) {
    const answer = await post(body)
    const { errorDetails } = await answer.json<{ errorDetails: string }>()
    expect([answer.status, errorDetails]).toEqual([400, expect.stringContaining(details)])
  }
  expect(sent).toEqual([])
})

test('a batch may have 256 KiB, and not a byte more', async () => {
  const { post } = await start()
  const text = JSON.stringify(batch)
  const ofSize = (size: number) => post(text + ' '.repeat(size - text.length))
  expect((await ofSize(eventLimits.bodyBytes)).status).toBe(202)
  const answer = await ofSize(eventLimits.bodyBytes + 1)
  expect([answer.status, await answer.json()]).toEqual([
    413,
    expect.objectContaining({ errorCode: 'TOO_LARGE', limit: 'eventsBytes', max: 262_144 }),
  ])
})

test('a long batch is parted, the same way each time, into messages that a queue takes', async () => {
  const { post, sent } = await start()
  const variant = '\u0001'.repeat(100)
  const events = Array.from({ length: 300 }, (_, i) => ({ ...summary, flag: `flag-${i}`, variant }))
  for (const _ of [1, 2]) expect((await post({ id: 'long', events })).status).toBe(202)
  expect(sent.map(({ id }) => id)).toEqual(['long.0', 'long.1', 'long.0', 'long.1'])
  expect(sent.slice(0, 2)).toEqual(sent.slice(2))
  expect(sent.slice(0, 2).flatMap((message) => listCounts(message).map(({ flag }) => flag))).toEqual(
    events.map(({ flag }) => flag),
  )
  for (const message of sent) expect(JSON.stringify(message).length).toBeLessThan(128_000)
  // Each of another moment: there is nothing to put together.
  const apart = events.map((event, i) => ({
    ...event,
    to: now - i,
    from: now - i,
    variant: '\ud800'.repeat(100),
  }))
  sent.length = 0
  expect((await post({ id: 'apart', events: apart })).status).toBe(202)
  expect(sent.flatMap(listCounts).map(({ to }) => to)).toEqual(apart.map(({ to }) => to))
  for (const message of sent) expect(JSON.stringify(message).length).toBeLessThan(128_000)
})

test('batches that come too fast are 429, counted by environment and class; a count that fails keeps nobody out', async () => {
  const names: string[] = []
  const limit: RateLimit['limit'] = async ({ key }) => {
    if (names.push(key) > 1) throw new Error('no counter')
    return { success: false }
  }
  const { post, sent, environment } = await start(undefined, { limit })
  const refused = await post(batch)
  expect([refused.status, await refused.json()]).toMatchObject([429, { errorCode: 'RATE_LIMITED' }])
  expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThanOrEqual(10)
  expect(sent).toEqual([])
  expect((await post(batch)).status).toBe(202)
  expect(names).toEqual([`${environment}/server`, `${environment}/server`])
})

test('a queue that refuses is 503, with the seconds to wait, for the whole batch to come again', async () => {
  const { post } = await start(() => Promise.reject(new Error('full')))
  const answer = await post(batch)
  expect(answer.status).toBe(503)
  expect(answer.headers.get('Retry-After')).toMatch(/^([1-9]|[12]\d|30)$/)
})
