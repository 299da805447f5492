import { expect, test } from 'vitest'
import { hubWithout, makeWorld, newKey, sampleFlags, startEdge } from './test-kit.ts'

const steady = { flag: 'steady' }

test('a minimum version is had from the hub at once, however young the copy is', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const ask = (headers = {}) => call('/v1/evaluate', { key: server.text, body: steady, headers })
  expect(await (await ask()).json()).toMatchObject({ value: true })
  await publish(2, { flags: { ...sampleFlags, steady: { enabled: false } } })
  expect(await (await ask()).json()).toMatchObject({ value: true })
  const answer = await ask({ 'Halyard-Min-Version': '1.2' })
  expect(answer.headers.get('Halyard-Version')).toBe('1.2')
  expect(await answer.json()).toMatchObject({ value: false, reason: 'DISABLED' })
})

test('a newer copy than the minimum is as good: nobody may ask for an old one', async () => {
  const { server, publish } = await makeWorld()
  await publish(5)
  const { call } = startEdge()
  const headers = { 'Halyard-Min-Version': '1.2' }
  const answer = await call('/v1/evaluate', { key: server.text, body: steady, headers })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('Halyard-Version')).toBe('1.5')
})

test('a version that is published a moment later is waited for', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  await call('/v1/evaluate', { key: server.text, body: steady })
  const asked = call('/v1/evaluate', {
    key: server.text,
    body: steady,
    headers: { 'Halyard-Min-Version': '1.2' },
  })
  await new Promise((resolve) => setTimeout(resolve, 300))
  await publish(2)
  expect((await asked).headers.get('Halyard-Version')).toBe('1.2')
})

test('a version that nobody published yet is 409, and says when to come again', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const headers = { 'Halyard-Min-Version': '1.2' }
  const answer = await call('/v1/evaluate', { key: server.text, body: steady, headers })
  expect(answer.status).toBe(409)
  expect(answer.headers.get('Retry-After')).toBe('1')
  expect(await answer.json()).toMatchObject({ errorCode: 'VERSION_UNAVAILABLE' })
})

test('an age at most is had by asking the hub, and refused when it does not answer', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call, clock, bindings } = startEdge()
  const ask = (maxAge: string) =>
    call('/v1/evaluate', { key: server.text, body: steady, headers: { 'Halyard-Max-Age': maxAge } })
  expect((await ask('0')).status).toBe(200)
  bindings.HUB = hubWithout('read')
  clock.aheadMs += 10_000
  expect((await ask('60')).status).toBe(200)
  expect((await ask('5')).status).toBe(409)
})

test.each([
  { 'Halyard-Min-Version': 'latest' },
  { 'Halyard-Min-Version': '1' },
  { 'Halyard-Max-Age': '-1' },
  { 'Halyard-Max-Age': '1.5' },
  { 'Halyard-Max-Age': '1000000000' },
  { 'Halyard-Min-Version': '01.9' },
])('what cannot be understood is refused: %j', async (headers) => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const answer = await call('/v1/evaluate', { key: server.text, body: steady, headers })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ errorCode: 'INVALID_REQUEST' })
})

test('an unknown member of our own form is refused', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const answer = await call('/v1/evaluate', { key: server.text, body: { flga: 'steady' } })
  expect(answer.status).toBe(400)
})

test('the version of an event that a page gives back is a minimum, as the published web provider sends it', async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const ask = async (query: string, headers = {}) =>
    await call(`/ofrep/v1/evaluate/flags${query}`, { key: client.text, body: { context: {} }, headers })
  expect((await ask('')).headers.get('Halyard-Version')).toBe('1.1')
  await publish(2)
  expect((await ask('')).headers.get('Halyard-Version')).toBe('1.1')
  const after = await ask('?flagConfigEtag=1.2&flagConfigLastModified=1700000000')
  expect([after.status, after.headers.get('Halyard-Version')]).toEqual([200, '1.2'])
})

test('where the version of an event cannot be had, a page is answered from what is held, by its ETag', async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const ask = async (query: string, headers = {}) =>
    await call(`/ofrep/v1/evaluate/flags${query}`, { key: client.text, body: { context: {} }, headers })
  const held = await ask('')
  const etag = held.headers.get('ETag') ?? 'none'
  const behind = await ask('?a=b&flagConfigEtag=1.2', { 'If-None-Match': '"older"' })
  expect([behind.status, behind.headers.get('Halyard-Version'), behind.headers.get('ETag')]).toEqual([
    200,
    '1.1',
    etag,
  ])
  expect(await behind.json()).toMatchObject({ flags: (await held.json<{ flags: unknown }>()).flags })
  // What the page has is what is held: it is asked again when it is told again.
  expect((await ask('?flagConfigEtag=1.2', { 'If-None-Match': etag })).status).toBe(304)
  const both = await ask('?flagConfigEtag=1.1', { 'Halyard-Min-Version': '1.2' })
  expect(both.status).toBe(409)
})

test.each(['"abc"', 'W/%221.9%22', '1.9.9', '', '1.9x'])(
  "an event's etag that is no version of ours (%s) asks for nothing",
  async (etag) => {
    const { client, publish } = await makeWorld()
    await publish(1)
    const path = `/ofrep/v1/evaluate/flags?flagConfigEtag=${etag}`
    const answer = await startEdge().call(path, { key: client.text, body: { context: {} } })
    expect(answer.status).toBe(200)
  },
)

test('a refusal says which version is held, to a key that may know', async () => {
  const { environment, server, publish } = await makeWorld()
  await publish(1)
  const { call, clock } = startEdge()
  const headers = { 'Halyard-Min-Version': '1.2', Origin: 'https://app.example' }
  const behind = await call('/v1/evaluate', { key: server.text, body: steady, headers })
  expect([behind.status, behind.headers.get('Halyard-Version')]).toEqual([409, '1.1'])
  expect([behind.headers.get('Halyard-Confirmed'), behind.headers.get('Retry-After')]).toEqual(['true', '1'])
  expect(Number(behind.headers.get('Halyard-Age'))).toBeGreaterThanOrEqual(0)
  expect((await behind.json<{ errorDetails: string }>()).errorDetails).toContain('version 1.2')
  const wrong = await call('/v1/evaluate', { key: server.text, body: '{' })
  expect([wrong.status, wrong.headers.get('Halyard-Version')]).toEqual([400, '1.1'])
  const stranger = await newKey(environment, 'server')
  const unknown = await call('/v1/evaluate', { key: stranger.text, body: steady })
  expect([unknown.status, unknown.headers.get('Halyard-Version')]).toEqual([401, null])
  await publish(2, { keys: [] })
  clock.aheadMs += 2_500
  const revoked = await call('/v1/evaluate', { key: server.text, body: steady })
  expect([revoked.status, revoked.headers.get('Halyard-Version')]).toEqual([401, null])
})

/** A request whose body comes when it is released. */
function slowRequest(key: string, headers: Record<string, string> = {}) {
  const { promise: isReleased, resolve: release } = Promise.withResolvers<void>()
  const body = new ReadableStream({
    start: async (controller) => {
      await isReleased
      controller.enqueue(new TextEncoder().encode(JSON.stringify(steady)))
      controller.close()
    },
  })
  const request = new Request('https://edge/v1/evaluate', {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, ...headers },
    body,
  })
  return { request, release }
}

test('a key that was revoked while its body came is refused', async () => {
  const { server, client, publish } = await makeWorld()
  await publish(1)
  const { call, fetch, clock } = startEdge()
  await call('/v1/status', { key: server.text })
  const { request, release } = slowRequest(server.text)
  const answer = fetch(request)
  await publish(2, { keys: [client.entry] })
  clock.aheadMs += 2_500
  release()
  expect((await answer).status).toBe(401)
})

test('an age at most holds when the answer is made, not when the request came', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call, fetch, clock, bindings } = startEdge()
  await call('/v1/status', { key: server.text })
  const { request, release } = slowRequest(server.text, { 'Halyard-Max-Age': '5' })
  const answer = fetch(request)
  expect((await call('/v1/status', { key: server.text })).status).toBe(200)
  bindings.HUB = hubWithout('read')
  clock.aheadMs += 10_000
  release()
  expect((await answer).status).toBe(409)
})
