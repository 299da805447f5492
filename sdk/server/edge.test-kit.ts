/** An edge for the tests of clients: it serves what it is given, signed, over both kinds of streams and by polling. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { WebSocketServer } from 'ws'
import { formatBody, formatLine } from '@halyard/shared/engine/snapshot.ts'
import type { FlagConfig } from '@halyard/shared/engine/model.ts'
import { changesBetween } from '@halyard/shared/protocol/delta.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import { signPublication } from '@halyard/shared/protocol/publication.ts'
import { streamProtocol, type ServerClassMessage } from '@halyard/shared/protocol/stream.ts'
import type { EventBatch } from '@halyard/shared/contract/usage.ts'

export interface EdgeKit {
  readonly url: string
  readonly key: string
  readonly publicJwk: JWK & Required<Pick<JWK, 'kid' | 'x' | 'crv' | 'kty'>>
  /** Publishes the next version, to open streams too; its token. */
  readonly publish: (lines: readonly string[]) => Promise<string>
  /** By hash: what is not here cannot be had just now. */
  readonly blobs: Map<string, Uint8Array>
  /** What was sent to `/v1/events`. */
  readonly batches: EventBatch[]
  /** The method and path of each request; that of an upgrade is `UPGRADE`. */
  readonly seen: string[]
  readonly close: () => Promise<void>
}

interface Published {
  readonly signedHead: string
  readonly body: string
}

interface State extends Pick<EdgeKit, 'key' | 'publicJwk' | 'blobs' | 'batches' | 'seen'> {
  readonly environment: string
  readonly privateJwk: JWK
  readonly streams: Set<(message: ServerClassMessage) => void>
  current: Published | null
  version: number
}

export async function startEdgeKit(): Promise<EdgeKit> {
  const state = await makeState()
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => streamProtocol })
  const server = createServer((request, response) => void answer(state, request, response))
  server.on('upgrade', (request, socket, head) => {
    state.seen.push(`UPGRADE ${request.url}`)
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const send = (message: ServerClassMessage) => webSocket.send(JSON.stringify(message))
      state.streams.add(send)
      webSocket.on('close', () => state.streams.delete(send))
      greet(send, state.current)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    ...state,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on a port
    publish: (lines) => publish(state, lines),
    close: async () => {
      for (const client of sockets.clients) client.terminate()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A line of a boolean flag; `rest` replaces what would be right. */
export function flagLine(key: string, isOn: boolean, rest: Partial<FlagConfig> = {}): string {
  const config: FlagConfig = {
    valueType: 'boolean',
    variants: [
      { key: 'on', value: true },
      { key: 'off', value: false },
    ],
    seed: '0123456789abcdef',
    clientVisible: true,
    enabled: true,
    offVariant: 'off',
    overrides: [],
    rules: [],
    fallthrough: { variant: isOn ? 'on' : 'off' },
    ...rest,
  }
  return formatLine('flag', key, JSON.stringify(config))
}

async function publish(state: State, lines: readonly string[]): Promise<string> {
  const { environment, privateJwk, current: before, streams } = state
  const body = formatBody(lines)
  const version = (state.version += 1)
  const facts = { environment, epoch: 1, version, clientHash: '', compiler: 1, time: Date.now() }
  const { signedHead } = await signPublication({ ...facts, body, access: '' }, privateJwk)
  state.current = { signedHead, body }
  const message: ServerClassMessage = before
    ? {
        kind: 'delta',
        signedHead,
        base: await sha256Hex(before.body),
        ...changesBetween(before.body, body),
      }
    : { kind: 'snapshot', signedHead, body }
  for (const send of streams) send(message)
  return `1.${version}`
}

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://edge')
  state.seen.push(`${request.method} ${pathname}`)
  if (pathname === '/.well-known/jwks.json') response.end(JSON.stringify({ keys: [state.publicJwk] }))
  else if (request.headers.authorization !== `Bearer ${state.key}`) response.writeHead(401).end()
  else if (pathname === '/v1/events') {
    state.batches.push(JSON.parse(await textOf(request)) as EventBatch) // what it holds is looked at
    response.writeHead(202).end('{}')
  } else if (pathname.startsWith('/v1/blobs/')) {
    const bytes = state.blobs.get(pathname.slice('/v1/blobs/'.length))
    response.writeHead(bytes ? 200 : 503).end(bytes)
  } else if (pathname === '/v1/stream') openEvents(state, response)
  else if (!state.current) response.writeHead(503).end()
  else {
    const headers = { 'Halyard-Age': '0', 'Halyard-Confirmed': 'true' }
    response.writeHead(200, headers).end(JSON.stringify(state.current))
  }
}

function greet(send: (message: ServerClassMessage) => void, current: Published | null): void {
  if (!current) return
  const { signedHead } = current
  send({ kind: 'hello', signedHead, heartbeatSec: 15 })
  send({ kind: 'snapshot', ...current })
  const now = Date.now()
  send({ kind: 'head', signedHead, confirmedAt: now - 1 })
  send({ kind: 'head', signedHead, confirmedAt: now })
}

function openEvents({ streams, current }: State, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 1000\n\n')
  const send = (message: ServerClassMessage) => {
    response.write(`event: ${message.kind}\ndata: ${JSON.stringify(message)}\n\n`)
  }
  streams.add(send)
  response.on('close', () => streams.delete(send))
  greet(send, current)
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

async function makeState(): Promise<State> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const kid = 'kit'
  const environment = makeId('env')
  return {
    environment,
    key: await makeKey('server', environment, 'secret'),
    publicJwk: { ...(await exportJWK(publicKey)), kid } as EdgeKit['publicJwk'], // of a key of this curve
    privateJwk: { ...(await exportJWK(privateKey)), kid },
    blobs: new Map(),
    batches: [],
    seen: [],
    streams: new Set(),
    current: null,
    version: 0,
  }
}
