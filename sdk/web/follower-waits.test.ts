import { expect, test } from 'vitest'
import { answerOf, openLivePage, openPage, sameAs, settle } from './test-kit.ts'

/** How long until a page asks whose stream broke, with that as its chance. */
async function asksAfter(random: number): Promise<number> {
  const page = openPage({}, { random: () => random })
  page.asked[0]?.answer(answerOf({ a: false }))
  await settle()
  page.streams[0]?.say('hello', '1.1')
  page.streams[0]?.break(0)
  let waited = 0
  for (; page.asked.length < 2; waited += 1_000) {
    if (waited % 15_000 === 0) page.streams[0]?.break(0)
    await page.pass(1_000) // oxlint-disable-line no-await-in-loop -- time goes by in order
  }
  return waited
}

test('pages whose streams break in one moment do not ask in one, and not at all once they are back', async () => {
  expect(await asksAfter(0)).toBeLessThan(await asksAfter(0.9))
  const { streams, asked, pass } = await openLivePage()
  streams[0]?.break(0)
  for (let at = 0; at < 285; at += 15) {
    streams[0]?.say('head', '1.1')
    await pass(15_000) // oxlint-disable-line no-await-in-loop -- the same
  }
  expect(asked).toHaveLength(1)
})

test('a heartbeat moves nothing that is to be asked for a change, or again after a failure', async () => {
  const { streams, asked, pass } = await openLivePage()
  streams[0]?.say('changed', '1.2')
  streams[0]?.say('head', '1.1')
  await pass(500)
  expect(asked).toHaveLength(2)
  asked[1]?.fail()
  await settle()
  streams[0]?.say('head', '1.1')
  await pass(1_000)
  expect(asked).toHaveLength(3)
  asked[2]?.answer(sameAs('1.2'))
  for (let at = 0; at < 300; at += 15) {
    streams[0]?.say('head', '1.2')
    await pass(15_000) // oxlint-disable-line no-await-in-loop -- time goes by in order
  }
  asked[3]?.fail()
  await settle()
  streams[0]?.say('head', '1.2')
  await pass(400)
  expect(asked).toHaveLength(4)
  await pass(600)
  expect(asked).toHaveLength(5)
})

test('a 401 or 403 that is not of the edge is tried again', async () => {
  for (const status of [401, 403])
    for (const body of ['<html>', 'null', '{}']) {
      const { client, asked, pass } = openPage()
      asked[0]?.answer(new Response(body, { status }))
      await pass(1_000) // oxlint-disable-line no-await-in-loop -- one after the other
      expect([asked.length, client.status().isRefused], body).toEqual([2, undefined])
    }
})

test('a refused key is logged once', async () => {
  const logged: string[] = []
  const logger = { debug: () => {}, warn: () => {}, error: (text: string) => logged.push(text) }
  const { client, asked, pass } = openPage({ logger })
  asked[0]?.answer(Response.json({ errorCode: 'KEY_INVALID', errorDetails: 'revoked' }, { status: 401 }))
  await pass(600_000)
  await client.setContext({ targetingKey: 'user-2' })
  expect(logged).toEqual([expect.stringContaining('revoked')])
})

test('whatever breaks while an answer is taken is an error, and is tried again', async () => {
  let isBroken = false
  const logger = {
    debug: () => {},
    warn: () => {},
    error: () => {
      throw new Error('so does the logger')
    },
  }
  const { client, asked, pass } = openPage({ logger })
  client.on('change', () => {
    if (isBroken) throw new Error('a listener broke')
  })
  isBroken = true
  asked[0]?.answer(answerOf({ a: true }))
  await settle()
  expect(client.status().error).toContain('so does the logger')
  isBroken = false
  await pass(1_000)
  asked[1]?.answer(answerOf({ a: false }, { version: '1.2' }))
  await settle()
  expect([client.boolean('a', true), client.status().error]).toEqual([false, undefined])
})

test('a hidden page whose network comes back still gives its stream back', async () => {
  const { streams, asked, pass, setHidden, fire } = await openLivePage()
  await setHidden(true)
  await pass(5_000)
  await fire('online')
  for (let at = 0; at < 120; at += 15) {
    streams[0]?.say('head', '1.1')
    await pass(15_000) // oxlint-disable-line no-await-in-loop -- time goes by in order
  }
  expect([streams[0]?.isClosed(), asked.length]).toEqual([true, 1])
})

test('where streams are refused for good it asks about as often as without them', async () => {
  const { streams, asked, pass } = openPage()
  let answered = 0
  for (let second = 0; second < 1_200; second++) {
    for (const question of asked.slice(answered)) question.answer(answerOf({ a: true }))
    answered = asked.length
    await settle() // oxlint-disable-line no-await-in-loop -- time goes by in order
    const last = streams.at(-1)
    if (last && !last.isClosed()) last.break(2)
    await pass(1_000) // oxlint-disable-line no-await-in-loop -- the same
  }
  expect(asked.length).toBeLessThan(28)
})

test('a page that is looked at again and again asks every 5 s at most', async () => {
  const { asked, pass, setHidden } = openPage({}, { EventSource: undefined })
  let answered = 0
  for (let second = 0; second < 30; second++) {
    for (const question of asked.slice(answered)) question.answer(answerOf({ a: true }))
    answered = asked.length
    await setHidden(true) // oxlint-disable-line no-await-in-loop -- time goes by in order
    await setHidden(false) // oxlint-disable-line no-await-in-loop -- the same
    await pass(1_000) // oxlint-disable-line no-await-in-loop -- the same
  }
  expect(asked.length).toBeLessThanOrEqual(7)
})

test('Retry-After may be a date', async () => {
  const { asked, pass } = openPage()
  const date = new Date(Date.now() + 300_000).toUTCString()
  asked[0]?.answer(new Response('{}', { status: 503, headers: { 'Retry-After': date } }))
  await pass(290_000)
  expect(asked).toHaveLength(1)
  await pass(12_000)
  expect(asked).toHaveLength(2)
})

test('a page that has no answer for its context yet asks when it is seen, also beside a stream', async () => {
  const { client, asked, pass, setHidden } = await openLivePage()
  const moved = client.setContext({ targetingKey: 'user-1', plan: 'pro' })
  asked[1]?.fail()
  await moved
  await setHidden(true)
  await pass(10_000)
  await setHidden(false)
  await pass(0)
  expect(asked).toHaveLength(3)
})
