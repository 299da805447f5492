import { expect, test, vi } from 'vitest'
import type { Held } from '@halyard/shared/protocol/hub.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import { edgeEnv, makeWorld, newKey, startEdge, type CallOptions } from './test-kit.ts'

const upgrade = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': 'halyard.v1' }
const asEvents = { Accept: 'text/event-stream' }
const usage = {
  kind: 'evaluations',
  flag: 'banner',
  variant: 'on',
  count: 1,
  from: Date.now() - 1_000,
  to: Date.now(),
}
const routes: readonly {
  path: string
  method: 'GET' | 'POST'
  body?: object
  headers?: Record<string, string>
  /** The only class that may. */
  only?: 'server' | 'client'
}[] = [
  { path: '/ofrep/v1/evaluate/flags', method: 'POST' },
  { path: '/ofrep/v1/evaluate/flags/banner', method: 'POST' },
  { path: '/v1/evaluate', method: 'POST' },
  { path: '/v1/ruleset', method: 'GET', only: 'server' },
  { path: '/v1/stream', method: 'GET', headers: upgrade },
  { path: '/v1/stream', method: 'GET', headers: asEvents },
  { path: '/ofrep/v1/stream', method: 'GET', headers: asEvents },
  { path: '/v1/stream-credential', method: 'POST', only: 'client' },
  { path: '/v1/events', method: 'POST', body: { id: 'b1', events: [usage] } },
  { path: '/v1/status', method: 'GET' },
]
/** Their answers are made from no version. */
const unversioned = new Set(['/v1/stream-credential', '/v1/events'])
const isStream = ({ path }: (typeof routes)[number]) => path.endsWith('/stream')

function optionsOf(
  { method, headers, body = {} }: (typeof routes)[number],
  options: CallOptions,
): CallOptions {
  return {
    ...options,
    method,
    headers: { ...headers, ...options.headers },
    ...(method === 'POST' && { body }),
  }
}

/** The status of an answer, whose stream, if it is one, is hung up. */
async function statusOf({ status, webSocket, body }: Response): Promise<number> {
  webSocket?.accept()
  webSocket?.close(1000)
  await body?.cancel()
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
  const well = route.headers === upgrade ? 101 : route.path === '/v1/events' ? 202 : 200
  for (const [each, key] of [['server', server] as const, ['client', client] as const]) {
    const answer = await call(route.path, optionsOf(route, { key: key.text }))
    if (route.only && route.only !== each) expect(await codeOf(answer)).toEqual([403, 'KEY_CLASS'])
    else expect([each, await statusOf(answer)]).toEqual([each, well])
  }
})

test.each(routes)('$method $path takes the key in X-API-Key too, and never from the URL', async (route) => {
  const { server, client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const key = route.only === 'client' ? client : server
  const byHeader = await call(route.path, optionsOf(route, { headers: { 'X-API-Key': key.text } }))
  expect(await statusOf(byHeader)).toBeLessThan(300)
  if (route.path === '/v1/status') return
  const byUrl = await call(`${route.path}?key=${server.text}&token=${server.text}`, optionsOf(route, {}))
  const { errorCode, errorDetails } = await byUrl.json<{ errorCode: string; errorDetails: string }>()
  expect([byUrl.status, errorCode]).toEqual([401, 'KEY_MISSING'])
  expect(errorDetails).toContain('replace this one')
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

test.each(routes.filter((route) => !isStream(route) && !unversioned.has(route.path)))(
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

test('a key of an environment that was not published yet is told to come back, not that it is unknown', async () => {
  const { server, publish } = await makeWorld()
  const { call, clock } = startEdge()
  const early = await call('/v1/ruleset', { key: server.text })
  expect(early.headers.get('Retry-After')).toMatch(/^[1-5]$/)
  expect(await codeOf(early)).toEqual([503, 'UNAVAILABLE'])
  await publish(1)
  clock.aheadMs += 1_000
  expect((await call('/v1/ruleset', { key: server.text })).status).toBe(200)
})

test('those who are sent away together do not come back together', async () => {
  const { server } = await makeWorld()
  const waits = new Set<string | null>()
  for (let i = 0; i < 40; i++)
    waits.add((await startEdge().call('/v1/status', { key: server.text })).headers.get('Retry-After'))
  expect(waits.size).toBeGreaterThan(2)
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
