import { expect, test, vi } from 'vitest'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { pingText, type ServerMessage } from '@halyard/shared/protocol/stream.ts'
import { hubWithout, makeWorld, newKey, startEdge } from './test-kit.ts'

const patience = { timeout: 5000, interval: 10 }
const upgrade = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': 'halyard.v1' }

test('the ruleset is the signed head and the body that it names, under a strong ETag', async () => {
  const { server, publish } = await makeWorld()
  const { signedHead, body } = await publish(1)
  const { call } = startEdge()
  const answer = await call('/v1/ruleset', { key: server.text })
  expect(await answer.json()).toEqual({ signedHead, body })
  const etag = answer.headers.get('ETag')
  expect(etag).toBe(`"${await sha256Hex(body)}"`)
  const again = await call('/v1/ruleset', { key: server.text, headers: { 'If-None-Match': etag ?? '' } })
  expect([again.status, await again.text(), again.headers.get('Halyard-Version')]).toEqual([304, '', '1.1'])
})

test('status tells anyone that the Worker answers, and a key what is held for it', async () => {
  const { server, client, publish } = await makeWorld()
  await publish(4)
  const { call } = startEdge()
  expect(await (await call('/v1/status')).json()).toEqual({ status: 'ok' })
  const held = { status: 'ok', version: '1.4', ageSec: 0, confirmed: true }
  expect(await (await call('/v1/status', { key: client.text })).json()).toEqual(held)
  expect(await (await call('/v1/status', { key: server.text })).json()).toEqual({ ...held, refused: 0 })
})

test('evaluate answers one flag, some, or all', async () => {
  const { server, client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const ask = async (body: object, key = server.text) => {
    const answer = await call('/v1/evaluate', { key, body })
    return [answer.status, await answer.json<{ flags: { key: string }[] }>()] as const
  }
  const context = { targetingKey: 'user-1', country: 'CA' }
  expect(await ask({ flag: 'banner', context })).toMatchObject([200, { key: 'banner', value: true }])
  expect(await ask({ flag: 'absent', context })).toMatchObject([
    404,
    { key: 'absent', errorCode: 'FLAG_NOT_FOUND' },
  ])
  expect(await ask({ flags: ['steady', 'absent', 'banner'], context })).toMatchObject([
    200,
    {
      flags: [
        { key: 'steady', value: true },
        { key: 'absent', errorCode: 'FLAG_NOT_FOUND' },
        { key: 'banner' },
      ],
    },
  ])
  const [, all] = await ask({ context })
  const [, visible] = await ask({ context }, client.text)
  expect(all.flags).toHaveLength(6)
  expect(visible.flags.map(({ key }) => key)).toEqual(['banner', 'broken', 'paused', 'share', 'steady'])
  expect(await ask({ flags: ['hidden'] }, client.text)).toMatchObject([
    200,
    { flags: [{ errorCode: 'FLAG_NOT_FOUND' }] },
  ])
})

test.each([
  ['a flag that is no string', { flag: 5 }],
  ['flags that are no list', { flags: 'banner' }],
  ['flags that are no strings', { flags: [5] }],
  ['one and many at once', { flag: 'a', flags: ['b'] }],
  ['too many flags', { flags: Array.from({ length: 1001 }, () => 'a') }],
])('evaluate refuses %s', async (_, body) => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const answer = await startEdge().call('/v1/evaluate', { key: server.text, body })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ errorCode: 'INVALID_REQUEST' })
})

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
  const second = await publish(2, { flags: { late: {} } })
  await vi.waitFor(() => expect(messages).toHaveLength(4), patience)
  expect(messages.slice(2)).toEqual([
    { kind: 'pong' },
    { kind: 'snapshot', signedHead: second.signedHead, body: second.body },
  ])
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
  expect(reader.map(({ kind }) => kind)).toEqual(['hello'])
})

test('what is no stream request is refused before the hub hears of it', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const refusalOf = async (path: string, headers: Record<string, string>) => {
    const answer = await call(path, { key: server.text, headers })
    return [answer.status, (await answer.json<{ errorCode: string }>()).errorCode]
  }
  expect(await refusalOf('/v1/stream', {})).toEqual([426, 'UPGRADE_REQUIRED'])
  expect(await refusalOf('/v1/stream', { Upgrade: 'websocket' })).toEqual([400, 'INVALID_REQUEST'])
  expect(await refusalOf('/v1/stream?since=5', upgrade)).toEqual([400, 'INVALID_REQUEST'])
})

test('a key that the hub has just revoked opens no stream, although the edge still knows it', async () => {
  const { server, client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  await call('/v1/status', { key: server.text })
  await publish(2, { keys: [client.entry] })
  const answer = await call('/v1/stream', { key: server.text, headers: upgrade })
  expect([answer.status, (await answer.json<{ errorCode: string }>()).errorCode]).toEqual([
    401,
    'KEY_INVALID',
  ])
})

test('a stream that the hub cannot open is 503 with Retry-After', async () => {
  const { environment, publish } = await makeWorld()
  const key = await newKey(environment, 'server')
  await publish(1, { keys: [key.entry] })
  const answer = await startEdge({ HUB: hubWithout('fetch') }).call('/v1/stream', {
    key: key.text,
    headers: upgrade,
  })
  expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '1'])
  expect(await answer.json()).toMatchObject({ errorCode: 'UNAVAILABLE' })
})

function listen(socket: WebSocket | null): ServerMessage[] {
  const messages: ServerMessage[] = []
  socket?.addEventListener('message', ({ data }) => {
    messages.push(JSON.parse(String(data)))
  })
  socket?.accept()
  return messages
}
