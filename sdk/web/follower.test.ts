import { expect, test } from 'vitest'
import { answerOf, edge, key, openLivePage, openPage, questionsOf, sameAs, settle } from './test-kit.ts'

test('it asks once for the context, with its key in a header, and then has the values', async () => {
  const { client, asked } = openPage()
  expect(client.status().state).toBe('starting')
  expect(client.boolean('a', false)).toBe(false)
  expect(asked.map(({ url }) => url)).toEqual([`${edge}/ofrep/v1/evaluate/flags`])
  expect(asked[0]?.headers.get('Authorization')).toBe(`Bearer ${key}`)
  expect(asked[0]?.body).toEqual({ context: { targetingKey: 'user-1' } })
  asked[0]?.answer(answerOf({ a: true }))
  expect(await client.ready()).toBe(true)
  expect(client.boolean('a', false)).toBe(true)
  expect(client.status()).toMatchObject({ state: 'polling', version: '1.1', origin: 'poll', ageMs: 0 })
})

test('the stream is opened with the credential of the answer, and makes the client live', async () => {
  const { client, streams } = await openLivePage()
  expect(streams.map(({ url }) => url)).toEqual([`${edge}/v1/stream?token=credential`])
  expect(client.status().state).toBe('live')
})

test('notices are coalesced into one question that takes nothing older than the newest of them', async () => {
  const { client, streams, asked, pass } = await openLivePage()
  for (const version of ['1.2', '1.4', '1.3']) streams[0]?.say('changed', version)
  expect(asked).toHaveLength(1)
  await pass(500)
  expect(asked).toHaveLength(2)
  expect(asked[1]?.headers.get('Halyard-Min-Version')).toBe('1.4')
  expect(asked[1]?.headers.get('If-None-Match')).toBe('"1.1"')
  asked[1]?.answer(answerOf({ a: true }, { version: '1.4' }))
  await settle()
  expect(client.boolean('a', false)).toBe(true)
  await pass(10_000)
  expect(asked).toHaveLength(2)
})

test('an answer older than a notice that came meanwhile is not taken, and is asked for again', async () => {
  const { client, streams, asked, pass } = await openLivePage()
  streams[0]?.say('changed', '1.2')
  await pass(500)
  streams[0]?.say('changed', '1.3')
  asked[1]?.answer(answerOf({ a: 'old' }, { version: '1.2' }))
  await settle()
  expect(client.version).toBe('1.1')
  await pass(1_000)
  expect(asked[2]?.headers.get('Halyard-Min-Version')).toBe('1.3')
  asked[2]?.answer(answerOf({ a: true }, { version: '1.3' }))
  await settle()
  expect(client.boolean('a', false)).toBe(true)
})

test('a heartbeat of a version that was missed is asked for too, and one that is held confirms', async () => {
  const { client, streams, asked, pass } = await openLivePage()
  await pass(15_000)
  expect(client.status().ageMs).toBe(15_000)
  streams[0]?.say('head', '1.1')
  expect(client.status().ageMs).toBe(0)
  streams[0]?.say('head', '1.2')
  await pass(500)
  expect(asked).toHaveLength(2)
})

test('a newer version with the same answers changes no value and tells nobody', async () => {
  const { client, streams, asked, pass } = await openLivePage()
  let changes = 0
  client.on('change', () => changes++)
  streams[0]?.say('changed', '1.2')
  await pass(500)
  asked[1]?.answer(sameAs('1.2'))
  await settle()
  expect([client.version, client.boolean('a', true), changes]).toEqual(['1.2', false, 0])
})

test('a change tells which flags are others, and leaves the others as they were', async () => {
  const page = openPage()
  page.asked[0]?.answer(answerOf({ same: { x: 1 }, other: 1, gone: 1 }))
  await settle()
  const before = page.client.all()
  const told: unknown[] = []
  page.client.on('change', (change) => told.push(change))
  page.streams[0]?.say('changed', '1.2')
  await page.pass(500)
  page.asked[1]?.answer(answerOf({ same: { x: 1 }, other: 2, more: 1 }, { version: '1.2' }))
  await settle()
  expect(told).toEqual([{ version: '1.2', flags: ['gone', 'other', 'more'] }])
  expect(page.client.all()['same']).toBe(before['same'])
})

test('without a stream it asks once a minute while it is seen, and not at all while it is hidden', async () => {
  const page = openPage({}, { EventSource: undefined })
  page.asked[0]?.answer(answerOf({ a: false }))
  await page.pass(60_000)
  expect(page.asked).toHaveLength(2)
  page.asked[1]?.answer(sameAs('1.1'))
  await settle()
  await page.setHidden(true)
  await page.pass(3_600_000)
  expect(page.asked).toHaveLength(2)
  expect(page.client.status().state).toBe('stale')
  await page.setHidden(false)
  await page.pass(0)
  expect(page.asked).toHaveLength(3)
})

test('beside a stream it asks every five minutes, for what the clock alone changes', async () => {
  const { streams, asked, pass } = await openLivePage()
  const silence = async (ms: number) => {
    for (let left = ms; left > 0; left -= 15_000) {
      await pass(15_000) // oxlint-disable-line no-await-in-loop -- time goes by in order
      streams[0]?.say('head', '1.1')
    }
  }
  await silence(285_000)
  expect(asked).toHaveLength(1)
  await silence(15_000)
  expect(asked).toHaveLength(2)
})

test('a hidden page asks for nothing, and catches up when it is seen', async () => {
  const { client, streams, asked, pass, setHidden } = await openLivePage()
  await setHidden(true)
  streams[0]?.say('changed', '1.2')
  await pass(30_000)
  expect(asked).toHaveLength(1)
  await setHidden(false)
  await pass(0)
  expect(asked[1]?.headers.get('Halyard-Min-Version')).toBe('1.2')
  asked[1]?.answer(answerOf({ a: true }, { version: '1.2' }))
  await settle()
  expect(client.boolean('a', false)).toBe(true)
  expect(streams).toHaveLength(1)
})

test('a page that is hidden for two minutes gives its stream back', async () => {
  const { client, streams, asked, pass, setHidden } = await openLivePage()
  await setHidden(true)
  for (let at = 0; at < 119; at += 17) {
    expect(streams[0]?.isClosed()).toBe(false)
    await pass(17_000) // oxlint-disable-line no-await-in-loop -- time goes by in order
    streams[0]?.say('head', '1.1')
  }
  await pass(1_000)
  expect([streams[0]?.isClosed(), client.status().state]).toEqual([true, 'polling'])
  await setHidden(false)
  await pass(0)
  asked[1]?.answer(sameAs('1.1'))
  await settle()
  expect(streams).toHaveLength(2)
})

test('a stream that is refused is asked for anew, and opened with the new credential', async () => {
  const { client, streams, asked, pass } = await openLivePage()
  streams[0]?.break(2)
  expect(client.status().state).toBe('polling')
  await pass(1_000)
  asked[1]?.answer(answerOf({ a: false }, { etag: '"next"', token: 'renewed' }))
  await settle()
  expect(streams[1]?.url).toBe(`${edge}/v1/stream?token=renewed`)
})

test('streams that are refused again and again are tried ever less often', async () => {
  const { streams, asked, pass } = await openLivePage()
  const waits: number[] = []
  for (let round = 1; round <= 4; round++) {
    streams.at(-1)?.break(2)
    let waited = 0
    // oxlint-disable no-await-in-loop -- one round after the other
    for (; asked.length <= round; waited += 250) await pass(250)
    waits.push(waited)
    asked.at(-1)?.answer(sameAs('1.1'))
    await settle()
    // oxlint-enable no-await-in-loop
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000])
})

test('a stream that falls silent is given up, and another is opened', async () => {
  const { client, streams, asked, pass } = await openLivePage()
  await pass(45_000)
  expect([streams[0]?.isClosed(), client.status().state]).toEqual([true, 'polling'])
  await pass(1_000)
  asked[1]?.answer(sameAs('1.1'))
  await settle()
  expect(streams).toHaveLength(2)
})

test('a refused key ends it all: offline, with the last values, and nothing is asked any more', async () => {
  const { client, streams, asked, pass, setHidden, fire } = await openLivePage()
  streams[0]?.say('changed', '1.2')
  await pass(500)
  asked[1]?.answer(Response.json({ errorCode: 'KEY_INVALID', errorDetails: 'revoked' }, { status: 401 }))
  await settle()
  expect(client.status()).toMatchObject({
    state: 'offline',
    isRefused: true,
    error: expect.stringContaining('revoked'),
  })
  expect(client.boolean('a', true)).toBe(false)
  expect(streams[0]?.isClosed()).toBe(true)
  await setHidden(true)
  await setHidden(false)
  await fire('online')
  await client.setContext({ targetingKey: 'user-2' })
  await pass(3_600_000)
  expect(questionsOf(asked)).toHaveLength(2)
})

test('Retry-After is the least to wait, however often the page is looked at', async () => {
  const { asked, pass, setHidden, client } = openPage()
  asked[0]?.answer(new Response('{}', { status: 429, headers: { 'Retry-After': '30' } }))
  await settle()
  await setHidden(true)
  await setHidden(false)
  await client.setContext({ targetingKey: 'user-2' })
  await pass(29_999)
  expect(asked).toHaveLength(1)
  await pass(1_001)
  expect(asked).toHaveLength(2)
})

test('failures are tried again after waits that double, up to a minute', async () => {
  const { asked, pass } = openPage()
  const waits: number[] = []
  for (let round = 1; round <= 9; round++) {
    asked.at(-1)?.answer(new Response('<html>', { status: 500 }))
    let waited = 0
    await settle() // oxlint-disable-line no-await-in-loop -- one round after the other
    for (; asked.length <= round; waited += 500) await pass(500) // oxlint-disable-line no-await-in-loop -- the same
    waits.push(waited)
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
})

test('a version that only a bootstrap knows is given up when the edge does not have it', async () => {
  const flags = { a: { value: true, variant: 'on', reason: 'STATIC' } } as const
  const { client, asked, pass } = openPage({ bootstrap: { version: '9.9', targetingKey: 'user-1', flags } })
  expect(asked[0]?.headers.get('Halyard-Min-Version')).toBe('9.9')
  asked[0]?.answer(Response.json({ errorCode: 'VERSION_UNAVAILABLE' }, { status: 409 }))
  await pass(1_000)
  expect(asked[1]?.headers.get('Halyard-Min-Version')).toBe(null)
  asked[1]?.answer(answerOf({ a: false }))
  await settle()
  expect(client.boolean('a', true)).toBe(false)
})

test('the age is that of what the edge holds, and old answers are stale', async () => {
  const { client, asked } = openPage()
  asked[0]?.answer(answerOf({ a: true }, { age: 120 }))
  await settle()
  expect(client.status()).toMatchObject({ state: 'stale', ageMs: 120_000 })
})

test('a page that is put aside lets go of everything, and goes on when it is shown again', async () => {
  const { client, streams, asked, fire, timers } = await openLivePage()
  await fire('pagehide')
  expect([streams[0]?.isClosed(), timers()]).toEqual([true, 0])
  await fire('pageshow')
  asked[1]?.answer(answerOf({ a: true }, { version: '1.2' }))
  await settle()
  expect(client.boolean('a', false)).toBe(true)
  expect(streams).toHaveLength(2)
})

test('a closed client keeps its values, and has no timer, stream or request left', async () => {
  const { client, streams, asked, timers, pass, fire } = await openLivePage()
  client.boolean('a', true)
  const closed = client.close()
  asked[1]?.answer(new Response('{}', { status: 202 }))
  await closed
  expect([client.status().state, client.boolean('a', true)]).toEqual(['closed', false])
  expect([streams[0]?.isClosed(), timers()]).toEqual([true, 0])
  await fire('online')
  await client.setContext({ targetingKey: 'user-2' })
  await pass(3_600_000)
  expect(asked).toHaveLength(2)
})
