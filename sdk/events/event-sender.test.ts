import { expect, test } from 'vitest'
import { EventBatch } from '@halyard/shared/contract/usage.ts'
import { makeClock } from '../../test/simulator/clock.ts'
import { makeEventCounts } from './event-counts.ts'
import { startEventSender, type Posted } from './event-sender.ts'

function makeWorld(answers: Posted[] = []) {
  const clock = makeClock(1_750_000_000_000)
  const reports: string[] = []
  const bodies: string[] = []
  let ids = 0
  const report = (what: string) => reports.push(what)
  const counts = makeEventCounts(clock.now(), report)
  const sender = startEventSender({
    counts,
    collect: () => {},
    post: async (body) => {
      bodies.push(body)
      return answers.shift() ?? { kind: 'taken' }
    },
    makeId: () => `id-${(ids += 1)}`,
    now: clock.now,
    steadyNow: clock.now,
    random: () => 0.5,
    setTimer: clock.after,
    report,
  })
  const batches = () => bodies.map((body) => EventBatch.parse(JSON.parse(body)))
  const pass = (ms: number) => clock.runUntil(clock.now() + ms, () => {})
  return { counts, sender, batches, reports, pass, clock }
}

test('what was counted is summed up and sent every minute, and nothing is sent if nothing was', async () => {
  const { counts, batches, pass, clock } = makeWorld()
  const from = clock.now()
  counts.countFlag('a', 'on', 2)
  counts.countFlag('a', 'on', 3)
  counts.countFlag('a', null, 1)
  counts.countMetric('sign-up')
  counts.countMetric('sign-up', 1.5)
  counts.countMetric('sign-up', 1)
  await pass(60_000)
  const window = { from, to: from + 60_000 }
  expect(batches()).toEqual([
    {
      id: 'id-1',
      events: [
        { kind: 'evaluations', flag: 'a', variant: 'on', count: 5, ...window },
        { kind: 'evaluations', flag: 'a', variant: null, count: 1, ...window },
        { kind: 'metric', name: 'sign-up', count: 3, sum: 2.5, ...window },
      ],
    },
  ])
  await pass(300_000)
  expect(batches()).toHaveLength(1)
})

test('a batch that could not be sent comes again under its id, and what is counted meanwhile is one batch after it', async () => {
  const { counts, batches, pass } = makeWorld([
    { kind: 'later', retryAfterMs: 0 },
    { kind: 'later', retryAfterMs: 0 },
  ])
  for (let minute = 0; minute < 5; minute++) {
    counts.countFlag('a', 'on', 1)
    await pass(60_000) // oxlint-disable-line no-await-in-loop -- one after the other
  }
  const sent = batches().map(({ id, events }) => [id, events.length, events[0]?.count])
  expect(sent.slice(0, 4)).toEqual([
    ['id-1', 1, 1],
    ['id-1', 1, 1],
    ['id-1', 1, 1],
    ['id-2', 1, 2],
  ])
  const taken = new Map(batches().map(({ id, events }) => [id, events[0]?.count ?? 0]))
  expect([...taken.values()].reduce((sum, count) => sum + count)).toBe(5)
})

test('the edge is left alone for as long as it asks, also by flush', async () => {
  const { counts, sender, batches, pass } = makeWorld([{ kind: 'later', retryAfterMs: 600_000 }])
  counts.countFlag('a', 'on', 1)
  await sender.flush()
  await pass(599_000)
  await sender.flush()
  expect(batches()).toHaveLength(1)
  await pass(120_000)
  expect(batches().map(({ id }) => id)).toEqual(['id-1', 'id-1'])
})

test('a batch that is refused is dropped and said so, and the next is sent', async () => {
  const { counts, sender, batches, reports } = makeWorld([
    { kind: 'refused', reason: 'the edge answered 400' },
  ])
  counts.countFlag('a', 'on', 1)
  await sender.flush()
  counts.countFlag('b', 'on', 1)
  await sender.flush()
  expect(batches().map(({ id }) => id)).toEqual(['id-1', 'id-2'])
  expect(reports).toEqual(['a batch of counts was refused: the edge answered 400'])
})

test('many different counts go in batches of 500, and those beyond 20,000 are dropped with one word', async () => {
  const { counts, sender, batches, reports } = makeWorld()
  for (let i = 0; i < 20_010; i++) counts.countFlag(`flag-${i}`, 'on', 1)
  await sender.flush()
  expect(batches().map(({ events }) => events.length)).toEqual(Array(40).fill(500))
  expect(reports).toHaveLength(1)
})

test('a name that is none, or a value that is no number, is dropped with one word', async () => {
  const { counts, sender, batches, reports } = makeWorld()
  const textless = { toString: () => expect.unreachable() }
  for (const name of ['', '-x', 'a b', 'x'.repeat(101), null as never, textless as never])
    counts.countMetric(name)
  counts.countMetric('ok', NaN)
  await sender.flush()
  expect([batches(), reports.length]).toEqual([[], 1])
})

test('a window never reaches back for more than the edge takes, nor ends before it begins', () => {
  const counts = makeEventCounts(100, () => {})
  const day = 24 * 3_600_000
  counts.countFlag('a', 'on', 1)
  expect(counts.take(100 + 3 * day)[0]).toMatchObject({ from: 100 + 2.5 * day, to: 100 + 3 * day })
  counts.countFlag('a', 'on', 1)
  expect(counts.take(5)[0]).toMatchObject({ from: 5, to: 5 })
})

test('closing sends what there is, and nothing is sent afterwards', async () => {
  const { counts, sender, batches, pass } = makeWorld()
  counts.countFlag('a', 'on', 1)
  await sender.close()
  expect(batches()).toHaveLength(1)
  counts.countFlag('a', 'on', 1)
  await pass(600_000)
  expect(batches()).toHaveLength(1)
})

test('an error of a flag and a variant that is called "null" are counted apart', () => {
  const counts = makeEventCounts(0, () => {})
  counts.countFlag('a', null, 1)
  counts.countFlag('a', 'null', 2)
  expect(counts.take(0)).toMatchObject([
    { variant: null, count: 1 },
    { variant: 'null', count: 2 },
  ])
})
