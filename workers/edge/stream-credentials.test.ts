import { afterEach, expect, test, vi } from 'vitest'
import { makeCredentials, windowMs } from './stream-credential.ts'
import { asEvents, hearEvents, listen, patience, upgrade } from './stream-kit.ts'
import { edgeEnv, makeWorld, newKey, startEdge } from './test-kit.ts'

const refusalOf = async (answer: Response) => [
  answer.status,
  (await answer.json<{ errorCode: string }>()).errorCode,
]

afterEach(() => void vi.restoreAllMocks())

/** A published environment, an edge, and a credential of its client key as a page gets it. */
async function makePage() {
  const world = await makeWorld()
  await world.publish(1)
  const edge = startEdge()
  const answer = await edge.call('/v1/stream-credential', { key: world.client.text, method: 'POST' })
  expect([answer.status, answer.headers.get('Cache-Control')]).toEqual([200, 'no-store'])
  const { credential, expiresAt } = await answer.json<{ credential: string; expiresAt: string }>()
  return { ...world, ...edge, credential, expiresAt: Date.parse(expiresAt) }
}

const serverCredential = async (environment: string, key: string) =>
  await makeCredentials(edgeEnv.STREAM_SECRET).issue({ environment, key, class: 'server' }, Date.now())

test('a credential opens what its client key opens: events by the URL, a socket by the second subprotocol', async () => {
  const { call, credential, expiresAt } = await makePage()
  expect(expiresAt - Date.now()).toBeGreaterThan(windowMs - 60_000)
  const page = hearEvents(await call(`/v1/stream?token=${credential}`, { headers: asEvents }))
  await vi.waitFor(() => expect(page.events).toMatchObject([{ event: 'hello' }]), patience)
  await page.stop()
  const answer = await call('/v1/stream', {
    headers: { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': `halyard.v1, ${credential}` },
  })
  expect([answer.status, answer.headers.get('Sec-WebSocket-Protocol')]).toEqual([101, 'halyard.v1'])
  const messages = listen(answer.webSocket)
  await vi.waitFor(() => expect(messages).toMatchObject([{ kind: 'hello' }]), patience)
})

test('a credential that has expired, was forged, or whose key was revoked opens nothing', async () => {
  const { call, credential, expiresAt, clock, publish, server } = await makePage()
  const open = async (token: string) =>
    await refusalOf(await call(`/v1/stream?token=${token}`, { headers: asEvents }))
  expect(await open(`${credential.slice(0, -2)}xx`)).toEqual([401, 'KEY_INVALID'])
  expect(await open('x')).toEqual([401, 'KEY_INVALID'])
  clock.aheadMs = expiresAt - Date.now() + 1_000
  expect(await open(credential)).toEqual([401, 'KEY_INVALID'])
  clock.aheadMs = 0
  await publish(2, { keys: [server.entry] })
  const late = startEdge()
  const answer = await late.call(`/v1/stream?token=${credential}`, { headers: asEvents })
  expect(await refusalOf(answer)).toEqual([401, 'KEY_INVALID'])
})

test('a credential is held to the origins of its key', async () => {
  const { environment, publish } = await makeWorld()
  const key = await newKey(environment, 'client', { origins: ['https://shop'] })
  await publish(1, { keys: [key.entry] })
  const { call } = startEdge()
  const issued = await call('/v1/stream-credential', {
    key: key.text,
    method: 'POST',
    headers: { Origin: 'https://shop' },
  })
  const { credential } = await issued.json<{ credential: string }>()
  const open = (origin: string) =>
    call(`/v1/stream?token=${credential}`, { headers: { ...asEvents, Origin: origin } })
  expect(await refusalOf(await open('https://elsewhere'))).toEqual([403, 'KEY_ORIGIN'])
  const answer = await open('https://shop')
  expect(answer.status).toBe(200)
  await answer.body?.cancel()
})

test('it is good for streams and for nothing else', async () => {
  const { call, credential } = await makePage()
  const body = { context: { targetingKey: 'user-1' } }
  for (const path of ['/ofrep/v1/evaluate/flags', '/ofrep/v1/evaluate/flags/steady', '/v1/evaluate']) {
    expect(await refusalOf(await call(path, { key: credential, body }))).toEqual([401, 'KEY_MALFORMED'])
    expect(await refusalOf(await call(`${path}?token=${credential}`, { body }))).toEqual([401, 'KEY_MISSING'])
  }
  for (const path of ['/v1/ruleset', '/v1/blobs/x'])
    expect(await refusalOf(await call(path, { key: credential }))).toEqual([401, 'KEY_MALFORMED'])
  const again = await call('/v1/stream-credential', { key: credential, method: 'POST' })
  expect(await refusalOf(again)).toEqual([401, 'KEY_MALFORMED'])
})

test('a server key gets none, and one that was made for it opens OFREP notices but no content', async () => {
  const { call, server, environment } = await makePage()
  const asked = await call('/v1/stream-credential', { key: server.text, method: 'POST' })
  expect(await refusalOf(asked)).toEqual([403, 'KEY_CLASS'])
  const credential = await serverCredential(environment, server.entry.id)
  for (const headers of [upgrade, asEvents]) {
    const answer = await call(`/v1/stream?token=${credential}`, { headers })
    expect(await refusalOf(answer)).toEqual([403, 'KEY_CLASS'])
  }
  const page = hearEvents(await call(`/ofrep/v1/stream?token=${credential}`, { headers: asEvents }))
  await vi.waitFor(() => expect(page.events).toHaveLength(1), patience)
  expect(page.events).toEqual([{ id: '1.1', data: '{"type":"refetchEvaluation","etag":"1.1"}' }])
  await page.stop()
})

test('a credential names the class of its key: another one is not found', async () => {
  const { call, client, environment } = await makePage()
  const credential = await serverCredential(environment, client.entry.id)
  const answer = await call(`/ofrep/v1/stream?token=${credential}`, { headers: asEvents })
  expect(await refusalOf(answer)).toEqual([401, 'KEY_INVALID'])
})

test('a key in a URL is refused whatever its class and name, and written to no log', async () => {
  const { call, server, client } = await makePage()
  const logs = (['log', 'warn', 'error', 'info', 'debug'] as const).map((level) => vi.spyOn(console, level))
  const management = 'hyd_svc_' + server.text.slice(8)
  for (const key of [server.text, client.text, management]) {
    for (const path of ['/v1/stream', '/ofrep/v1/stream']) {
      for (const name of ['token', 'key', 'anything']) {
        const answer = await call(`${path}?${name}=${key}`, { headers: asEvents, key: server.text })
        const text = await answer.text()
        expect([answer.status, JSON.parse(text).errorCode]).toEqual([401, 'KEY_MISSING'])
        expect(text).not.toContain(key)
      }
    }
  }
  expect(logs.flatMap((log) => log.mock.calls)).toEqual([])
})
