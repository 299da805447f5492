import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import { formatBody, formatLine } from '@halyard/shared/engine/snapshot.ts'
import { changesBetween } from '@halyard/shared/protocol/delta.ts'
import { keyRefusedCode, pingText, streamProtocol } from '@halyard/shared/protocol/stream.ts'
import { startCli, startServer, until } from '../test-kit.ts'

vi.setConfig({ testTimeout: 30_000 }) // processes are started, perhaps on a busy machine

interface Opened {
  readonly url: string
  readonly protocol: string
  readonly authorization: string | undefined
  readonly atMs: number
}

/** A stream: `greet` gets each connection, or gives the raw answer that refuses it. */
async function startStream(
  greet: (socket: WebSocket, count: number) => void,
  refuse: (count: number) => string | null = () => null,
) {
  const server = await startServer(() => ({ status: 404 }))
  const sockets = new WebSocketServer({ noServer: true })
  const opened: Opened[] = []
  server.http.on('upgrade', (request, stream, head) => {
    const { url = '', headers } = request
    const protocol = headers['sec-websocket-protocol'] ?? ''
    opened.push({ url, protocol, authorization: headers.authorization, atMs: Date.now() })
    const refusal = refuse(opened.length)
    if (refusal !== null) return void (stream as Socket).end(refusal)
    sockets.handleUpgrade(request, stream, head, (socket) => greet(socket, opened.length))
  })
  const cli = startCli(['watch', '--json'], { HALYARD_EDGE_URL: server.url, HALYARD_KEY: 'hyd_srv_x' })
  const events = () =>
    cli
      .stdout()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  return {
    cli,
    opened,
    events,
    [Symbol.asyncDispose]: async () => {
      cli.kill('SIGKILL')
      for (const socket of sockets.clients) socket.terminate()
      await server[Symbol.asyncDispose]()
    },
  }
}

type Flags = Readonly<Record<string, object>>

function bodyOf(flags: Flags): string {
  return formatBody(
    Object.entries(flags).map(([key, changes]) =>
      formatLine('flag', key, JSON.stringify({ ...config, ...changes })),
    ),
  )
}

function headOf(version: number, body: string): string {
  const head = { epoch: 1, version, snapshotHash: hashOf(body) }
  return `header.${Buffer.from(JSON.stringify(head)).toString('base64url')}.signature`
}

const hashOf = (body: string) => createHash('sha256').update(body).digest('hex')

function snapshotOf(version: number, flags: Flags): string {
  const body = bodyOf(flags)
  return JSON.stringify({ kind: 'snapshot', signedHead: headOf(version, body), body })
}

/** What leads from one content to the next, as a relay sends it. */
function deltaOf(version: number, before: Flags, after: Flags, changed: object = {}): string {
  const [old, next] = [bodyOf(before), bodyOf(after)]
  const delta = { signedHead: headOf(version, next), base: hashOf(old), ...changesBetween(old, next) }
  return JSON.stringify({ kind: 'delta', ...delta, ...changed })
}

const config = {
  valueType: 'boolean',
  variants: [],
  enabled: true,
  offVariant: 'off',
  overrides: [],
  rules: [],
  fallthrough: { variant: 'on' },
}
const hello = JSON.stringify({ kind: 'hello', signedHead: 'a.b.c', heartbeatSec: 15 })

test('watch opens a stream with the key in a header and the subprotocol', async () => {
  await using stream = await startStream((socket) => socket.send(hello))
  await until(() => stream.opened.length === 1)
  expect(stream.opened[0]).toMatchObject({
    url: '/v1/stream',
    protocol: streamProtocol,
    authorization: 'Bearer hyd_srv_x',
  })
})

test('watch tells of each version what changed against the one before', async () => {
  const rule = { id: 'r', when: { all: [] }, serve: { variant: 'off' } }
  await using stream = await startStream((socket) => {
    socket.send(hello)
    socket.send(snapshotOf(7, { a: {}, b: {}, c: {} }))
    socket.send('{"kind":"something new"}')
    socket.send('no JSON')
    socket.send(snapshotOf(8, { a: { enabled: false }, c: { rules: [rule] }, d: {} }))
    socket.send(snapshotOf(9, { a: { enabled: false }, c: { rules: [rule] }, d: {} }))
  })
  await until(() => stream.events().length === 3)
  expect(stream.events()).toEqual([
    { event: 'snapshot', version: '1.7', flags: 3 },
    {
      event: 'version',
      version: '1.8',
      changes: [
        { key: 'a', change: 'changed', enabled: false, serves: 'off' },
        { key: 'c', change: 'changed', enabled: true, serves: '1 rule, else on' },
        { key: 'd', change: 'added', enabled: true, serves: 'on' },
        { key: 'b', change: 'removed', enabled: null, serves: null },
      ],
    },
    { event: 'version', version: '1.9', changes: [] },
  ])
})

test('watch goes from version to version by what changed', async () => {
  const [first, second] = [
    { a: {}, b: {} },
    { a: { enabled: false }, c: {} },
  ]
  await using stream = await startStream((socket) => {
    socket.send(hello)
    socket.send(snapshotOf(7, first))
    socket.send(deltaOf(8, first, second))
    socket.send(deltaOf(9, second, first))
  })
  await until(() => stream.events().length === 3)
  expect(stream.events().slice(1)).toMatchObject([
    {
      version: '1.8',
      changes: [
        { key: 'a', change: 'changed', enabled: false },
        { key: 'c', change: 'added' },
        { key: 'b', change: 'removed' },
      ],
    },
    {
      version: '1.9',
      changes: [{ key: 'a' }, { key: 'b', change: 'added' }, { key: 'c', change: 'removed' }],
    },
  ])
  expect(stream.opened).toHaveLength(1)
})

test.each([
  ['is from another base', { base: '0'.repeat(64) }],
  ['has another result', { set: ['flag\tz\t{}'] }],
  ['removes what is not there', { remove: ['flag\tz'] }],
])('a change that %s is dropped, and the whole is asked for', async (_, wrong) => {
  const [first, second] = [{ a: {} }, { a: { enabled: false } }]
  await using stream = await startStream((socket, count) => {
    if (count > 1) return socket.send(snapshotOf(8, second))
    socket.send(snapshotOf(7, first))
    return socket.send(deltaOf(8, first, second, wrong))
  })
  await until(() => stream.events().length === 3)
  expect(stream.opened.map(({ url }) => url)).toEqual(['/v1/stream', '/v1/stream'])
  expect(stream.events()).toMatchObject([
    { event: 'snapshot', version: '1.7' },
    { event: 'disconnected', reason: 'a change does not fit what is held: asking for the whole' },
    { event: 'version', version: '1.8', changes: [{ key: 'a', enabled: false }] },
  ])
})

test('each heartbeat is answered, so that the relay knows who still reads', async () => {
  const heard: string[] = []
  await using stream = await startStream((socket) => {
    socket.on('message', (data) => heard.push(String(data)))
    socket.send(hello)
    socket.send('{"kind":"head","signedHead":"a.b.c","confirmedAt":1}')
  })
  await until(() => heard.length === 1)
  expect(heard).toEqual([pingText])
  expect(stream.opened).toHaveLength(1)
})

test('a client key is told versions only, and goes on from the last one', async () => {
  await using stream = await startStream((socket, count) => {
    socket.send('{"kind":"hello","version":"1.7","heartbeatSec":15}')
    if (count === 1) return socket.close(1001)
    return socket.send('{"kind":"changed","version":"1.8"}')
  })
  await until(() => stream.events().length === 2)
  expect(stream.opened.map(({ url }) => url)).toEqual(['/v1/stream', '/v1/stream?since=1.7'])
  expect(stream.events()[1]).toEqual({ event: 'version', version: '1.8', changes: null })
})

test('watch reconnects from the version it has, and goes on comparing with it', async () => {
  await using stream = await startStream((socket, count) => {
    if (count > 1) return socket.send(snapshotOf(8, { a: { enabled: false } }))
    socket.send(snapshotOf(7, { a: {} }))
    return socket.close(1001)
  })
  await until(() => stream.events().length === 3)
  expect(stream.opened.map(({ url }) => url)).toEqual(['/v1/stream', '/v1/stream?since=1.7'])
  expect(stream.events()).toMatchObject([
    { event: 'snapshot' },
    { event: 'disconnected', reason: 'closed (1001)', retryInMs: expect.any(Number) },
    { event: 'version', version: '1.8', changes: [{ key: 'a', enabled: false }] },
  ])
})

test('watch stays away for as long as the server asks', async () => {
  await using stream = await startStream((socket, count) => {
    if (count === 1) socket.send('{"kind":"goaway","retryAfterMs":1200}')
  })
  await until(() => stream.opened.length === 2)
  const [first, second] = stream.opened
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(1_200)
})

test('watch waits for as long as Retry-After says', async () => {
  const busy = 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\r\n'
  await using stream = await startStream(
    (socket) => socket.send(snapshotOf(7, {})),
    (count) => (count === 1 ? busy : null),
  )
  await until(() => stream.events().some(({ event }) => event === 'snapshot'))
  const [first, second] = stream.opened
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(1_000)
  expect(stream.events()[0]).toMatchObject({ event: 'disconnected', reason: 'the edge answered 503' })
})

test('a key that is refused ends the watch', async () => {
  const body = '{"errorCode":"KEY_INVALID","errorDetails":"the key is unknown"}'
  const answer = `HTTP/1.1 401 Unauthorized\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
  await using stream = await startStream(
    () => {},
    () => answer,
  )
  const { code, stderr } = await stream.cli.ended
  expect(code).toBe(1)
  expect(stderr).toBe(
    'halyard: the stream was refused\n  the edge answered 401: KEY_INVALID, the key is unknown\n',
  )
})

test('a key that is revoked ends the watch', async () => {
  await using stream = await startStream((socket) => socket.close(keyRefusedCode, 'the key was revoked'))
  const { code, stderr } = await stream.cli.ended
  expect(code).toBe(1)
  expect(stderr).toContain('the key was revoked')
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s closes the stream and ends the watch well', async (signal) => {
  const closed = Promise.withResolvers<number>()
  await using stream = await startStream((socket) => {
    socket.on('close', closed.resolve)
    socket.send(snapshotOf(7, {}))
  })
  await until(() => stream.events().length === 1)
  stream.cli.kill(signal)
  stream.cli.kill(signal) // npm passes it on as well
  expect(await closed.promise).toBe(1000)
  expect(await stream.cli.ended).toMatchObject({ code: 0, stderr: '' })
})

test('an interrupt also ends the waiting between two tries', async () => {
  await using stream = await startStream((socket) => socket.send('{"kind":"goaway","retryAfterMs":60000}'))
  await until(() => stream.events().length === 1)
  stream.cli.kill('SIGINT')
  expect(await stream.cli.ended).toMatchObject({ code: 0 })
})

test('a watch that nobody reads any more ends', async () => {
  const closed = Promise.withResolvers<number>()
  const opened = Promise.withResolvers<WebSocket>()
  await using stream = await startStream((socket) => {
    socket.on('close', closed.resolve)
    opened.resolve(socket)
  })
  const socket = await opened.promise
  stream.cli.hangUp()
  socket.send(snapshotOf(7, {}))
  expect(await closed.promise).toBe(1000)
  expect(await stream.cli.ended).toMatchObject({ code: 0, stderr: '' })
})
