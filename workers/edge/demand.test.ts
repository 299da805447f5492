import { expect, test } from 'vitest'
import { hubWithout, makeWorld, sampleFlags, startEdge } from './test-kit.ts'

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
