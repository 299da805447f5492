/** The transports, against an HTTP server and WebSockets as the edge has them. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { afterEach, expect, test } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import { signPublication } from '@halyard/shared/protocol/publication.ts'
import { pingText, streamProtocol } from '@halyard/shared/protocol/stream.ts'
import { openReader } from './open-reader.ts'
import type { Reader } from './sync/reader.ts'

const environment = makeId('env')
const key = await makeKey('server', environment, 'secret')
const signer = await makeSigner()
const closing: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

test('a reader follows a real socket: it sends its key in a header, answers heads, and takes what is signed', async () => {
  const made = await publication(1, '')
  const edge = await startEdge()
  const reader = open(edge.url)
  const { socket, request } = await edge.connected()
  expect(request.headers.authorization).toBe(`Bearer ${key}`)
  expect(socket.protocol).toBe(streamProtocol)
  const changed = Promise.withResolvers<string>()
  reader.onChange(({ token }) => changed.resolve(token))
  const { signedHead, body } = made
  for (const message of [
    { kind: 'hello', signedHead, heartbeatSec: 15 },
    { kind: 'snapshot', signedHead, body },
    { kind: 'head', signedHead, confirmedAt: 1 },
  ]) {
    socket.send(JSON.stringify(message))
  }
  expect(await changed.promise).toBe('1.1')
  const [ping] = (await once(socket, 'message')) as [unknown]
  expect(String(ping)).toBe(pingText)
  expect(reader.status()).toMatchObject({ phase: 'live', version: '1.1', isConnected: true, refusedCount: 0 })
})

test('a reader that loses its socket comes back with the version that it holds', async () => {
  const { signedHead, body } = await publication(4, 'flag\ta\t{}')
  const edge = await startEdge()
  const reader = open(edge.url)
  const first = await edge.connected()
  first.socket.send(JSON.stringify({ kind: 'snapshot', signedHead, body }))
  await new Promise<void>((resolve) => reader.onChange(() => resolve()))
  first.socket.terminate()
  const second = await edge.connected()
  expect(second.request.url).toBe('/v1/stream?since=1.4')
})

test('a reader whose stream cannot be opened has its snapshot from the ruleset', async () => {
  const { signedHead, body } = await publication(2, 'flag\ta\t{}')
  const edge = await startEdge({
    upgrade: '503 Service Unavailable',
    answer: (request, response) => {
      expect(request.headers.authorization).toBe(`Bearer ${key}`)
      const headers = { 'Halyard-Age': '0', 'Halyard-Confirmed': 'true' }
      response.writeHead(200, headers).end(JSON.stringify({ signedHead, body }))
    },
  })
  const reader = open(edge.url)
  await new Promise<void>((resolve) => reader.onChange(() => resolve()))
  expect(reader.snapshot()).toMatchObject({ token: '1.2', body })
  await expect.poll(() => reader.status().phase).toBe('live')
})

const soundText = JSON.stringify(await publication(3, 'flag\ta\t{}'))

test.each([
  ['an empty answer', 200, ''],
  ['a page of HTML', 200, '<html>all is well</html>'],
  ['what comes with a 429', 429, soundText],
  ['what comes with a 503', 503, soundText],
  ['what comes with a 404', 404, soundText],
  ['a list', 200, '[]'],
  ['half of an answer', 200, soundText.slice(0, -9)],
])('%s is never data', async (_, status, text) => {
  let asked = 0
  const edge = await startEdge({
    upgrade: '503 Service Unavailable',
    answer: (_request, response) => {
      response.writeHead(status).end(text)
      asked += 1
    },
  })
  const reader = open(edge.url)
  // Who asks again has done with the first answer.
  await expect.poll(() => asked, { timeout: 20_000 }).toBeGreaterThan(1)
  expect(reader.status()).toMatchObject({ phase: 'starting', version: null })
})

test('a WebSocket does not tell why it was refused: the poll does, and a refused key is said so', async () => {
  const edge = await startEdge({
    upgrade: '401 Unauthorized',
    answer: (_, response) => response.writeHead(401).end(),
  })
  const reader = open(edge.url)
  await expect.poll(() => reader.status().phase, { timeout: 10_000 }).toBe('refused')
  expect(reader.status().refusal).toContain('the edge answered 401: the key is unknown')
})

test('a key that is not of class server is refused at once', async () => {
  const clientKey = await makeKey('client', environment, 'secret')
  expect(() => openReader({ edge: 'http://localhost', key: clientKey, trustedKeys: [] })).toThrow(
    'server key',
  )
  expect(() => openReader({ edge: 'http://localhost', key: 'hyd_srv_x', trustedKeys: [] })).toThrow(
    'cut short',
  )
})

function open(edge: string): Reader {
  const reader = openReader({ edge, key, trustedKeys: [signer.publicJwk] })
  closing.push(reader.close)
  return reader
}

interface EdgeOptions {
  /** The status line in the place of an upgrade. */
  readonly upgrade?: string
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => void
}

async function startEdge({ upgrade, answer }: EdgeOptions = {}) {
  const server = createServer(answer ?? ((_, response) => response.writeHead(503).end()))
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => streamProtocol })
  const opened: { readonly socket: WebSocket; readonly request: IncomingMessage }[] = []
  server.on('upgrade', (request, socket, head) => {
    if (upgrade) return socket.end(`HTTP/1.1 ${upgrade}\r\nConnection: close\r\n\r\n`)
    return sockets.handleUpgrade(request, socket, head, (webSocket) => {
      opened.push({ socket: webSocket, request })
      sockets.emit('opened')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    for (const client of sockets.clients) client.terminate()
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const connected = async () => {
    if (opened.length === 0) await once(sockets, 'opened')
    const next = opened.shift()
    if (!next) throw new Error('nobody connected')
    return next
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connected } // it listens on a port
}

async function publication(version: number, body: string) {
  const facts = { environment, epoch: 1, version, clientHash: '', compiler: 1, time: Date.now() }
  return await signPublication({ ...facts, body, access: '' }, signer.privateJwk)
}

async function makeSigner(): Promise<{ readonly publicJwk: JWK; readonly privateJwk: JWK }> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const kid = 'test'
  return {
    publicJwk: { ...(await exportJWK(publicKey)), kid },
    privateJwk: { ...(await exportJWK(privateKey)), kid },
  }
}
