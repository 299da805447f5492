import { expect, test, vi } from 'vitest'
import { pingText, type ServerMessage } from '@halyard/shared/protocol/stream.ts'
import { asEvents, hearEvents, listen, patience, upgrade } from './stream-kit.ts'
import { edgeEnv, hubWithout, makeWorld, newKey, sampleFlags, startEdge, type Flags } from './test-kit.ts'

const refusalOf = async (answer: Response) => [
  answer.status,
  (await answer.json<{ errorCode: string }>()).errorCode,
]
const kindsOf = (messages: readonly ServerMessage[]) => messages.map(({ kind }) => kind)

test('a stream passes through to the hub and carries what is published', async () => {
  const { server, publish } = await makeWorld()
  const first = await publish(1)
  const { call } = startEdge()
  const { status, webSocket, headers } = await call('/v1/stream', { key: server.text, headers: upgrade })
  expect([status, headers.get('Sec-WebSocket-Protocol')]).toEqual([101, 'halyard.v1'])
  const messages = listen(webSocket)
  await vi.waitFor(() => expect(messages).toHaveLength(2), patience)
  expect(messages[1]).toEqual({ kind: 'snapshot', signedHead: first.signedHead, body: first.body })
  webSocket?.send(pingText)
  await vi.waitFor(() => expect(messages).toHaveLength(3), patience)
  const { signedHead } = await publish(2, { flags: { late: {} } })
  await vi.waitFor(() => expect(messages).toHaveLength(4), patience)
  expect(messages.slice(2)).toMatchObject([{ kind: 'pong' }, { signedHead }])
})

test('a stream resumes where it left off, and class client is told versions only', async () => {
  const { server, client, publish } = await makeWorld()
  await publish(3)
  const { call } = startEdge()
  const reader = listen(
    (await call('/v1/stream?since=1.3', { key: server.text, headers: upgrade })).webSocket,
  )
  const page = listen((await call('/v1/stream?since=1.2', { key: client.text, headers: upgrade })).webSocket)
  await vi.waitFor(() => expect(page).toHaveLength(2), patience)
  expect(page[1]).toEqual({ kind: 'changed', version: '1.3' })
  expect(kindsOf(reader)).toEqual(['hello'])
})

test('what is no stream request is refused before the hub hears of it', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge({ HUB: hubWithout('fetch') })
  const ask = async (path: string, headers: Record<string, string>) =>
    await refusalOf(await call(path, { key: server.text, headers }))
  expect(await ask('/v1/stream', {})).toEqual([426, 'UPGRADE_REQUIRED'])
  expect(await ask('/v1/stream', { Upgrade: 'websocket' })).toEqual([400, 'INVALID_REQUEST'])
  expect(await ask('/v1/stream?since=5', upgrade)).toEqual([400, 'INVALID_REQUEST'])
  expect(await ask('/v1/stream?since=5', asEvents)).toEqual([400, 'INVALID_REQUEST'])
  expect(await ask('/ofrep/v1/stream', {})).toEqual([400, 'INVALID_REQUEST'])
  expect(await refusalOf(await call('/v1/stream', { headers: asEvents }))).toEqual([401, 'KEY_MISSING'])
})

test('a key that the hub has just revoked opens no stream, although the edge still knows it', async () => {
  const { server, client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  await call('/v1/status', { key: server.text })
  await publish(2, { keys: [client.entry] })
  for (const headers of [upgrade, asEvents])
    expect(await refusalOf(await call('/v1/stream', { key: server.text, headers }))).toEqual([
      401,
      'KEY_INVALID',
    ])
})

test('the hub is told class, key id, region and version, and never the key', async () => {
  const { environment, client, publish } = await makeWorld()
  await publish(4)
  const urls: string[] = []
  const HUB = {
    ...hubWithout(),
    fetch: async (input: RequestInfo | URL) => (
      urls.push(String(input)),
      new Response(null, { status: 503 })
    ),
  }
  const { call } = startEdge({ HUB })
  const cf = { continent: 'AS' as const, country: 'JP' as const, longitude: '139.7' }
  await call('/v1/stream?since=1.2', { key: client.text, headers: upgrade, cf })
  await call('/v1/stream?since=1.2', {
    key: client.text,
    headers: { ...asEvents, 'Last-Event-ID': '1.3' },
    cf,
  })
  const asked = urls.map((url) => Object.fromEntries(new URL(url).searchParams))
  const same = { environment, class: 'client', key: client.entry.id, region: 'apac' }
  expect(asked).toEqual([
    { ...same, since: '1.2' },
    { ...same, since: '1.3' },
  ])
})

test('events carry the same to whoever speaks no WebSocket, and go on from the last one heard', async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const answer = await call('/v1/stream', {
    key: client.text,
    headers: { ...asEvents, Origin: 'https://shop' },
  })
  expect([answer.status, answer.headers.get('Content-Type')]).toEqual([200, 'text/event-stream'])
  expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
  const page = hearEvents(answer)
  await vi.waitFor(() => expect(page.events).toHaveLength(1), patience)
  expect(page.events[0]).toMatchObject({ event: 'hello' })
  expect(page.hints[0]).toBeGreaterThanOrEqual(1_000)
  await publish(2, { flags: { late: {} } })
  await vi.waitFor(() => expect(page.events).toHaveLength(2), patience)
  expect(page.events[1]).toEqual({ event: 'changed', id: '1.2', data: '{"kind":"changed","version":"1.2"}' })
  await page.stop()
  await publish(3, { flags: { later: {} } })
  const headers = { ...asEvents, 'Last-Event-ID': '1.2' }
  const again = hearEvents(await call('/v1/stream', { key: client.text, headers }))
  await vi.waitFor(() => expect(again.events).toHaveLength(2), patience)
  expect(again.events.map(({ event, id }) => [event, id])).toEqual([
    ['hello', '1.2'],
    ['changed', '1.3'],
  ])
  await again.stop()
})

test('a server key hears the content as events, each with the version that it leads to', async () => {
  const { server, publish } = await makeWorld()
  const { signedHead, body } = await publish(1)
  const { call } = startEdge()
  const reader = hearEvents(await call('/v1/stream', { key: server.text, headers: asEvents }))
  await vi.waitFor(() => expect(reader.events).toHaveLength(2), patience)
  expect(reader.events.map(({ event, id }) => [event, id])).toEqual([
    ['hello', undefined],
    ['snapshot', '1.1'],
  ])
  expect(JSON.parse(reader.events[1]?.data ?? '')).toEqual({ kind: 'snapshot', signedHead, body })
  await publish(2, { flags: { late: {} } })
  await vi.waitFor(() => expect(reader.events[2]?.id).toBe('1.2'), patience)
  await reader.stop()
})

test('a key whose stream is open is let go when it is revoked, and does not come back', async () => {
  const { server, client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const page = hearEvents(await call('/v1/stream', { key: client.text, headers: asEvents }))
  await vi.waitFor(() => expect(page.events).toHaveLength(1), patience)
  await publish(2, { keys: [server.entry] })
  await vi.waitFor(() => expect(page.state.isOver).toBe(true), patience)
  const again = await call('/v1/stream', { key: client.text, headers: asEvents })
  expect(await refusalOf(again)).toEqual([401, 'KEY_INVALID'])
})

test('where the hub cannot open one, a socket is refused with a wait and events end with one', async () => {
  const { environment, client, publish } = await makeWorld()
  const key = await newKey(environment, 'server')
  await publish(1, { keys: [key.entry, client.entry] })
  const { call } = startEdge({ HUB: hubWithout('fetch') })
  const answer = await call('/v1/stream', { key: key.text, headers: upgrade })
  expect(answer.headers.get('Retry-After')).toMatch(/^[1-9]\d?$/)
  expect(await refusalOf(answer)).toEqual([503, 'UNAVAILABLE'])
  const page = hearEvents(await call('/v1/stream', { key: client.text, headers: asEvents }))
  await vi.waitFor(() => expect(page.state.isOver).toBe(true), patience)
  expect(page.events).toMatchObject([{ event: 'goaway' }])
  expect(page.hints[0]).toBeGreaterThanOrEqual(1_000)
  expect((await call('/v1/evaluate', { key: key.text, body: { flag: 'steady' } })).status).toBe(200)
})

test('a hub that hangs is given up, and the reader told to come back', async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  let isAsked = false
  const hang = () => ((isAsked = true), new Promise<Response>(() => {}))
  const { call } = startEdge({ HUB: { ...hubWithout(), fetch: hang } })
  await call('/v1/status', { key: client.text })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const answering = call('/v1/stream', { key: client.text, headers: upgrade })
    await vi.waitFor(() => expect(isAsked).toBe(true))
    vi.advanceTimersByTime(10_000)
    expect(await refusalOf(await answering)).toEqual([503, 'UNAVAILABLE'])
  } finally {
    vi.useRealTimers()
  }
})

test('a socket that comes after its reader was told to come back is closed', async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  const { 0: relaySide, 1: edgeSide } = new WebSocketPair()
  relaySide.accept()
  const closed = new Promise<number>((resolve) =>
    relaySide.addEventListener('close', ({ code }) => resolve(code)),
  )
  const { promise: opening, resolve: open } = Promise.withResolvers<Response>()
  let isAsked = false
  const HUB = { ...hubWithout(), fetch: () => ((isAsked = true), opening) }
  const { call, settle } = startEdge({ HUB })
  await call('/v1/status', { key: client.text })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const answering = call('/v1/stream', { key: client.text, headers: upgrade })
    await vi.waitFor(() => expect(isAsked).toBe(true))
    vi.advanceTimersByTime(10_000)
    expect((await answering).status).toBe(503)
  } finally {
    vi.useRealTimers()
  }
  open(new Response(null, { status: 101, webSocket: edgeSide }))
  await settle()
  expect(await closed).toBe(1001)
})

test("a relay's own wait is passed on, in whole seconds and spread", async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  const full = new Response('full', { status: 503, headers: { 'Retry-After': '40' } })
  const HUB = { ...hubWithout(), fetch: async () => full.clone() }
  const waits = new Set<string | null>()
  for (let i = 0; i < 40; i++) {
    const answer = await startEdge({ HUB }).call('/v1/stream', { key: client.text, headers: upgrade })
    expect(answer.status).toBe(503)
    waits.add(answer.headers.get('Retry-After'))
  }
  expect(waits.size).toBeGreaterThan(4)
  expect([...waits].every((wait) => /^4\d$/.test(wait ?? ''))).toBe(true)
})

test('what hidden flags and their rules become leaves the streams of client keys as they are', async () => {
  const { hidden: _, ...without } = sampleFlags
  const kept = await told(sampleFlags)
  expect(await told({ ...sampleFlags, hidden: { clientVisible: false, enabled: false } })).toEqual(kept)
  expect(await told(without)).toEqual(kept)
  expect(await told({ ...sampleFlags, other: { clientVisible: false } })).toEqual(kept)
})

test('evaluation is never refused by the gate before streams', async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge({ STREAM_OPENS: { limit: async () => ({ success: false }) } })
  const refused = await call('/v1/stream', { key: client.text, headers: upgrade })
  expect(refused.headers.get('Retry-After')).toMatch(/^\d+$/)
  expect(await refusalOf(refused)).toEqual([503, 'UNAVAILABLE'])
  const ask = { key: client.text, body: { context: { targetingKey: 'user-1' } } }
  for (const path of ['/ofrep/v1/evaluate/flags', '/ofrep/v1/evaluate/flags/steady', '/v1/evaluate'])
    expect((await call(path, ask)).status).toBe(200)
})

test("the platform's counter of a location is bound, and lets readers in", async () => {
  expect(await edgeEnv.STREAM_OPENS?.limit({ key: 'a test' })).toEqual({ success: true })
})

/** All that readers of class client hear while an environment goes through these flags. */
async function told(second: Flags) {
  const { client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const socket = listen((await call('/v1/stream', { key: client.text, headers: upgrade })).webSocket)
  const page = hearEvents(await call('/v1/stream', { key: client.text, headers: asEvents }))
  const ofrep = hearEvents(await call('/ofrep/v1/stream', { key: client.text, headers: asEvents }))
  const parts = [socket, page.events, ofrep.events]
  await vi.waitFor(() => expect(parts.map(({ length }) => length)).toEqual([1, 1, 1]), patience)
  await publish(2, { flags: second })
  const late = listen((await call('/v1/stream', { key: client.text, headers: upgrade })).webSocket)
  await publish(3, { flags: { ...second, late: {} } })
  await vi.waitFor(() => expect(parts.map(({ length }) => length)).toEqual([2, 2, 2]), patience)
  await vi.waitFor(() => expect(late).toHaveLength(2), patience)
  await Promise.all([page.stop(), ofrep.stop()])
  return [...parts, late]
}
