import { expect, test } from 'vitest'
import { answerOf, openPage, settle, type Asked } from './test-kit.ts'

const taken = () => Response.json({ accepted: 1 }, { status: 202 })

async function openCounting(options: Parameters<typeof openPage>[0] = {}) {
  const page = openPage(options)
  page.asked[0]?.answer(answerOf({ a: true, b: 'x' }))
  await settle()
  const batches = () => page.asked.filter(({ url }) => url.endsWith('/v1/events'))
  return { ...page, batches, last: () => batches().at(-1) as Asked } // where one was sent
}

test('evaluations are counted by flag and variant, and sent together some time later', async () => {
  const { client, pass, batches, last } = await openCounting()
  client.boolean('a', false)
  client.isEnabled('a')
  client.string('a', 'of another type')
  client.stringDetails('b', '')
  client.boolean('absent', false)
  client.all()
  expect(batches()).toEqual([])
  await pass(45_000)
  const counted = { kind: 'evaluations', from: 1_800_000_000_000, to: 1_800_000_045_000 }
  expect(last().body.events).toEqual([
    { ...counted, flag: 'a', variant: 'true', count: 3 },
    { ...counted, flag: 'b', variant: 'x', count: 1 },
  ])
  expect(last().headers.get('Authorization')).toMatch(/^Bearer hyd_cli_/)
})

test('what is tracked is summed by name', async () => {
  const { client, last } = await openCounting()
  client.track('paid', { value: 2 })
  client.track('paid', { value: 3.5 })
  client.track('seen')
  void client.flush()
  expect(last().body.events).toMatchObject([
    { kind: 'metric', name: 'paid', count: 2, sum: 5.5 },
    { kind: 'metric', name: 'seen', count: 1 },
  ])
  expect(last().body.events?.[1]).not.toHaveProperty('sum')
})

test('names and values that no metric has are dropped, and logged once', async () => {
  const logged: string[] = []
  const logger = { debug: () => {}, warn: (text: string) => logged.push(text), error: () => {} }
  const { client, batches } = await openCounting({ logger })
  for (const name of ['', 'a b', '-a', 'x'.repeat(101)]) client.track(name)
  client.track('sum', { value: Infinity })
  client.track('sum', { value: NaN })
  await client.flush()
  expect([batches().length, logged.length]).toEqual([0, 1])
})

test('a batch that was not taken is sent again as it was', async () => {
  const { client, pass, batches, last } = await openCounting()
  client.boolean('a', false)
  void client.flush()
  const first = last().body
  last().fail()
  await pass(45_000)
  expect([batches().length, last().body]).toEqual([2, first])
  last().answer(taken())
  await pass(600_000)
  expect(batches()).toHaveLength(2)
})

test('a batch that is refused is dropped, and one that comes too fast waits for as long as it is told', async () => {
  const { client, pass, batches, last } = await openCounting()
  client.boolean('a', false)
  void client.flush()
  last().answer(new Response('{}', { status: 400 }))
  await pass(300_000)
  expect(batches()).toHaveLength(1)
  client.boolean('a', false)
  void client.flush()
  last().answer(new Response('{}', { status: 429, headers: { 'Retry-After': '120' } }))
  await settle()
  await client.flush()
  await pass(119_000)
  expect(batches()).toHaveLength(2)
  await pass(61_000)
  expect(batches()).toHaveLength(3)
})

test('what waits is bounded, and the oldest is let go first', async () => {
  const { client, batches } = await openCounting()
  for (let round = 0; round < 8; round++) {
    client.track(`round-${round}`)
    void client.flush()
    for (const batch of batches()) batch.fail()
    await settle() // oxlint-disable-line no-await-in-loop -- one after the other
  }
  const before = batches().length
  void client.flush()
  const names = batches()
    .slice(before)
    .map(({ body }) => body.events?.[0]?.['name'])
  expect(names).toEqual(['round-3', 'round-4', 'round-5', 'round-6', 'round-7'])
})

test('a batch holds what a page may send when it is left', async () => {
  const { client, batches } = await openCounting()
  const size = (count: number) => JSON.stringify(batches().map(({ body }) => body)).length / count
  for (let i = 0; i < 500; i++) client.track(`${i}-${'x'.repeat(90)}`)
  expect(batches()).toHaveLength(2)
  expect(size(2)).toBeLessThan(64 * 1024)
  expect(batches()[0]?.body.events).toHaveLength(200)
})

test('what was counted is sent when the page is hidden or left', async () => {
  const { client, setHidden, fire, batches, last } = await openCounting()
  client.boolean('a', false)
  await setHidden(true)
  expect(batches()).toHaveLength(1)
  last().answer(taken())
  client.track('left')
  await fire('pagehide')
  expect(last().body.events).toMatchObject([{ name: 'left' }])
})

test('after a refused key nothing is sent, and nothing is kept', async () => {
  const { client, pass, batches, last } = await openCounting()
  client.boolean('a', false)
  void client.flush()
  last().answer(Response.json({ errorCode: 'KEY_INVALID' }, { status: 401 }))
  await settle()
  for (let i = 0; i < 1_000; i++) client.track(`name-${i}`)
  await client.flush()
  await pass(600_000)
  expect(batches()).toHaveLength(1)
})

test('a 401 or 403 that is not of the edge refuses no key', async () => {
  const { client, batches, last } = await openCounting()
  for (const status of [401, 403]) {
    client.track('seen')
    void client.flush()
    last().answer(new Response('<html>', { status }))
    await settle() // oxlint-disable-line no-await-in-loop -- one after the other
  }
  client.track('seen')
  void client.flush()
  expect(batches()).toHaveLength(3)
})

test('a client that was stopped sends nothing by itself, and after another start what is left', async () => {
  const { client, stop, start, pass, batches, last, timers } = await openCounting()
  client.boolean('a', false)
  stop()
  expect(batches()).toHaveLength(1)
  last().fail()
  client.track('meanwhile')
  await pass(1_200_000)
  expect([batches().length, timers()]).toEqual([1, 0])
  start()
  await pass(60_000)
  expect(batches()).toHaveLength(3)
})

test('closing waits a second at most, once, and leaves no timer and no batch', async () => {
  const { client, pass, batches, last, timers } = await openCounting()
  client.boolean('a', false)
  void client.flush()
  last().answer(new Response('{}', { status: 429, headers: { 'Retry-After': '600' } }))
  await settle()
  client.boolean('a', false)
  await client.close()
  expect(timers()).toBe(0)
  await client.flush()
  await pass(3_600_000)
  expect(batches()).toHaveLength(1)
  const other = await openCounting()
  other.client.boolean('a', false)
  const closed = other.client.close()
  expect(other.client.close()).toBe(closed)
  let isClosed = false
  void closed.then(() => (isClosed = true))
  await other.pass(1_000)
  expect([isClosed, other.batches().length]).toEqual([true, 1])
})
