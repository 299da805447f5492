import { expect, test, vi } from 'vitest'
import type { Held } from '@halyard/shared/protocol/hub.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import { edgeEnv, makeWorld, newKey, startEdge, type CallOptions } from './test-kit.ts'

const upgrade = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': 'halyard.v1' }
const routes: readonly {
  path: string
  method: 'GET' | 'POST'
  headers?: Record<string, string>
  serverOnly?: true
}[] = [
  { path: '/ofrep/v1/evaluate/flags', method: 'POST' },
  { path: '/ofrep/v1/evaluate/flags/banner', method: 'POST' },
  { path: '/v1/evaluate', method: 'POST' },
  { path: '/v1/ruleset', method: 'GET', serverOnly: true },
  { path: '/v1/stream', method: 'GET', headers: upgrade },
  { path: '/v1/status', method: 'GET' },
]

function optionsOf({ method, headers }: (typeof routes)[number], options: CallOptions): CallOptions {
  return {
    ...options,
    method,
    headers: { ...headers, ...options.headers },
    ...(method === 'POST' && { body: {} }),
  }
}

/** The status of an answer, whose socket, if it has one, is hung up. */
function statusOf({ status, webSocket }: Response): number {
  webSocket?.accept()
  webSocket?.close(1000)
  return status
}

async function codeOf(answer: Response): Promise<[number, unknown]> {
  const { errorCode } = await answer.json<{ errorCode?: string }>()
  return [answer.status, errorCode]
}

test.each(routes)('$method $path works for the keys that may', async (route) => {
  const { server, client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const isStream = route.path === '/v1/stream'
  const asServer = await call(route.path, optionsOf(route, { key: server.text }))
  expect(statusOf(asServer)).toBe(isStream ? 101 : 200)
  const asClient = await call(route.path, optionsOf(route, { key: client.text }))
  expect(statusOf(asClient)).toBe(route.serverOnly ? 403 : isStream ? 101 : 200)
  if (route.serverOnly) expect(await codeOf(asClient)).toEqual([403, 'KEY_CLASS'])
})

test.each(routes)('$method $path takes the key in X-API-Key too, and never from the URL', async (route) => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const byHeader = await call(route.path, optionsOf(route, { headers: { 'X-API-Key': server.text } }))
  expect(statusOf(byHeader)).toBeLessThan(300)
  if (route.path === '/v1/status') return
  const byUrl = await call(`${route.path}?key=${server.text}&token=${server.text}`, optionsOf(route, {}))
  expect(await codeOf(byUrl)).toEqual([401, 'KEY_MISSING'])
})

test.each(routes)('$method $path says what is wrong with a key', async (route) => {
  const { environment, server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const refusalOf = async (key: string) => await codeOf(await call(route.path, optionsOf(route, { key })))
  const stranger = await newKey(environment, 'server')
  const management = await makeKey('management', makeId('key'), edgeEnv.ID_CHECK_SECRET)
  const invented = await makeKey('server', makeId('env'), 'another secret')
  expect(await refusalOf('hello')).toEqual([401, 'KEY_MALFORMED'])
  expect(await refusalOf(server.text.slice(0, -1))).toEqual([401, 'KEY_MALFORMED'])
  expect(await refusalOf(`${server.text.slice(0, -8)}AAAAAAAA`)).toEqual([401, 'KEY_MALFORMED'])
  expect(await refusalOf(invented)).toEqual([401, 'KEY_INVALID'])
  expect(await refusalOf(stranger.text)).toEqual([401, 'KEY_INVALID'])
  expect(await refusalOf(management)).toEqual([403, 'KEY_CLASS'])
  if (route.path === '/v1/status') return
  expect(await codeOf(await call(route.path, optionsOf(route, {})))).toEqual([401, 'KEY_MISSING'])
})

test.each(routes.filter(({ path }) => path !== '/v1/stream'))(
  '$method $path answers a key from its own environment only',
  async (route) => {
    const [mine, other] = [await makeWorld(), await makeWorld()]
    await mine.publish(1, { flags: { mine: {} } })
    await other.publish(9, { flags: { other: {} } })
    const { call } = startEdge()
    const answer = await call(route.path, optionsOf(route, { key: mine.server.text }))
    expect(answer.headers.get('Halyard-Version')).toBe('1.1')
    expect(await answer.text()).not.toContain('other')
  },
)

test('a key that was published for another environment is unknown in this one', async () => {
  const [mine, other] = [await makeWorld(), await makeWorld()]
  await mine.publish(1)
  await other.publish(1, { keys: [mine.server.entry] })
  await mine.publish(2, { keys: [] })
  const answer = await startEdge().call('/v1/ruleset', { key: mine.server.text })
  expect(await codeOf(answer)).toEqual([401, 'KEY_INVALID'])
})

test('an invented environment is refused before any look-up', async () => {
  const asked: string[] = []
  const HUB = {
    ...edgeEnv.HUB,
    read: async (id: string) => (asked.push(id), null),
  } as unknown as typeof edgeEnv.HUB
  const SNAPSHOTS = { get: async (name: string) => (asked.push(name), null) } as unknown as KVNamespace
  const { call } = startEdge({ HUB, SNAPSHOTS })
  const key = await makeKey('server', makeId('env'), 'another secret')
  expect((await call('/v1/ruleset', { key })).status).toBe(401)
  expect((await call('/v1/ruleset', { key: 'hyd_srv_x' })).status).toBe(401)
  expect(asked).toEqual([])
})

test('a key of an environment that was never published is unknown', async () => {
  const { server } = await makeWorld()
  expect(await codeOf(await startEdge().call('/v1/ruleset', { key: server.text }))).toEqual([
    401,
    'KEY_INVALID',
  ])
})

test('a new key works at once, although the record held does not know it', async () => {
  const { environment, server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  expect((await call('/v1/ruleset', { key: server.text })).status).toBe(200)
  const fresh = await newKey(environment, 'server')
  await publish(2, { keys: [server.entry, fresh.entry] })
  expect((await call('/v1/ruleset', { key: fresh.text })).status).toBe(200)
})

test('a revoked key is refused as soon as the record says so, although it was used before', async () => {
  const { server, client, publish } = await makeWorld()
  await publish(1)
  const { call, clock, settle } = startEdge()
  expect((await call('/v1/ruleset', { key: server.text })).status).toBe(200)
  await publish(2, { keys: [client.entry] })
  clock.aheadMs += 2_500
  await call('/v1/ruleset', { key: server.text })
  await settle()
  expect(await codeOf(await call('/v1/ruleset', { key: server.text }))).toEqual([401, 'KEY_INVALID'])
})

test('a revoked key is refused everywhere at a location within five seconds, whoever of its isolates asks the hub', async () => {
  const { server, client, publish } = await makeWorld()
  await publish(1)
  const clock = { aheadMs: 0 }
  const HUB = {
    ...edgeEnv.HUB,
    // The hub's clock goes as fast as the edge's.
    read: async (environment: string, held: Held) => {
      const answer = await edgeEnv.HUB.read(environment, held)
      return answer && { ...answer, confirmedAt: answer.confirmedAt + clock.aheadMs }
    },
  } as unknown as typeof edgeEnv.HUB
  const isolates = [startEdge({ HUB }), startEdge({ HUB }), startEdge({ HUB })]
  const statusAt = async (isolate: (typeof isolates)[number]) => {
    isolate.clock.aheadMs = clock.aheadMs
    const { status } = await isolate.call('/v1/status', { key: server.text })
    await isolate.settle()
    return status
  }
  for (const isolate of isolates) expect(await statusAt(isolate)).toBe(200)
  await publish(2, { keys: [client.entry] })
  const stillIn = new Set(isolates)
  for (; clock.aheadMs <= 5_000; clock.aheadMs += 500)
    for (const isolate of stillIn) if ((await statusAt(isolate)) === 401) stillIn.delete(isolate)
  expect(stillIn.size).toBe(0)
})

test('a key is refused from the moment that it expires', async () => {
  const { environment, publish } = await makeWorld()
  const key = await newKey(environment, 'server', { expiresAt: Date.now() + 5_000 })
  await publish(1, { keys: [key.entry] })
  const { call, clock } = startEdge()
  expect((await call('/v1/ruleset', { key: key.text })).status).toBe(200)
  clock.aheadMs += 5_001
  expect(await codeOf(await call('/v1/ruleset', { key: key.text }))).toEqual([401, 'KEY_INVALID'])
})

test('a client key with origins works from these only; a server key from anywhere', async () => {
  const { environment, server, publish } = await makeWorld()
  const bound = await newKey(environment, 'client', { origins: ['https://app.example'] })
  await publish(1, { keys: [server.entry, bound.entry] })
  const { call } = startEdge()
  const from = async (key: string, headers: Record<string, string>) =>
    (await call('/v1/evaluate', { key, body: {}, headers })).status
  expect(await from(bound.text, { Origin: 'https://app.example' })).toBe(200)
  expect(await from(bound.text, { Origin: 'https://app.example.evil' })).toBe(403)
  expect(await from(bound.text, {})).toBe(403)
  expect(await from(server.text, { Origin: 'https://anywhere.example' })).toBe(200)
  const refused = await call('/v1/evaluate', { key: bound.text, body: {}, headers: { Origin: 'null' } })
  expect(await codeOf(refused)).toEqual([403, 'KEY_ORIGIN'])
})

test('a server key that passes itself off as a client key is unknown, and the other way round', async () => {
  const { environment, publish } = await makeWorld()
  const key = await newKey(environment, 'client')
  await publish(1, { keys: [{ ...key.entry, class: 'server' }] })
  expect(await codeOf(await startEdge().call('/v1/ruleset', { key: key.text }))).toEqual([401, 'KEY_INVALID'])
})

test('unknown paths are 404, other methods 405 with what is allowed', async () => {
  const { call } = startEdge()
  for (const path of [
    '/',
    '/v1',
    '/v1/evaluate/',
    '/ofrep/v1/evaluate/flags/',
    '//v1/evaluate',
    '/V1/EVALUATE',
    '/v1/%65valuate',
  ]) {
    expect([path, ...(await codeOf(await call(path, { body: {} })))]).toEqual([path, 404, 'NOT_FOUND'])
  }
  for (const { path, method } of routes) {
    const answer = await call(path, { method: method === 'GET' ? 'DELETE' : 'GET' })
    expect(await codeOf(answer)).toEqual([405, 'METHOD_NOT_ALLOWED'])
    expect(answer.headers.get('Allow')).toBe(`${method}, OPTIONS`)
  }
})

test('a defect is a 500 that tells nothing and is logged', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const { call, bindings } = startEdge()
  bindings.ETAG_SECRET = 'irrelevant'
  const context = { targetingKey: 'user-1' }
  vi.spyOn(crypto.subtle, 'sign').mockRejectedValue(new Error('stack and all'))
  const answer = await call('/ofrep/v1/evaluate/flags', { key: server.text, body: { context } })
  vi.restoreAllMocks()
  expect(answer.status).toBe(500)
  expect(await answer.json()).toEqual({ errorCode: 'GENERAL', errorDetails: 'the service failed' })
  expect(log).toHaveBeenCalledOnce()
})
