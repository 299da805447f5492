/** A proxy before an edge that breaks what goes through it, in ways that are chosen while it runs. For any client's tests. */
import { once } from 'node:events'
import {
  createServer,
  request as forwardTo,
  STATUS_CODES,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { Transform, type Duplex } from 'node:stream'

export type Fault =
  | { readonly kind: 'none' }
  /** Every request and upgrade waits so long. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** The connection is cut before an answer. */
  | { readonly kind: 'reset' }
  /** Answered by the proxy itself. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfterSec?: number }
  | { readonly kind: 'html' }
  /** The answer ends in the middle. */
  | { readonly kind: 'truncate' }
  /** One bit in each thousand bytes or so of the answer is another. */
  | { readonly kind: 'flip' }
  /** Taken, and never answered. */
  | { readonly kind: 'hang' }

export interface FaultyProxy {
  readonly url: string
  /** Breaks what comes from now on so, and cuts all that is open. */
  readonly set: (fault: Fault) => void
  /** The method and path of each request and upgrade, in order. */
  readonly seen: readonly string[]
  readonly close: () => Promise<void>
}

export async function startFaultyProxy(edge: string): Promise<FaultyProxy> {
  const target = new URL(edge)
  const sockets = new Set<Duplex>()
  const seen: string[] = []
  let fault: Fault = { kind: 'none' }
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    void answer(request, response, { target, fault })
  })
  const keep = (socket: Duplex) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
  }
  server.on('connection', keep)
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    seen.push(`${request.method} ${request.url}`)
    void upgrade(request, socket, { target, fault }).then((upstream) => upstream && keep(upstream))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on a port
    set: (next) => {
      fault = next
      cut()
    },
    seen,
    close: async () => {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Way {
  readonly target: URL
  readonly fault: Fault
}

async function answer(request: IncomingMessage, response: ServerResponse, way: Way): Promise<void> {
  const { fault } = way
  response.on('error', () => {})
  switch (fault.kind) {
    case 'hang':
      return
    case 'reset':
      request.socket.destroy()
      return
    case 'status':
      response.writeHead(fault.status, retryAfter(fault)).end('{"errorCode":"BROKEN"}')
      return
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>All is well</body></html>')
      return
    case 'latency':
      await pause(fault.ms)
      return forward(request, response, way)
    default:
      return forward(request, response, way)
  }
}

function forward(request: IncomingMessage, response: ServerResponse, { target, fault }: Way): void {
  const { method, url: path, headers } = request
  const options = { host: target.hostname, port: target.port, method, path, headers }
  const upstream = forwardTo(options, (answered) => {
    const { 'content-length': length, ...rest } = answered.headers
    response.writeHead(answered.statusCode ?? 502, rest)
    answered.on('error', () => response.destroy())
    const half = Math.max(1, Math.floor(Number(length ?? 200) / 2))
    const last = fault.kind === 'truncate' ? cutter(half, () => request.socket.destroy()) : flipper(fault)
    answered.pipe(last).pipe(response)
  })
  upstream.on('error', () => response.destroy())
  response.on('close', () => upstream.destroy())
  request.pipe(upstream)
}

/** The socket to the edge, if there is one. */
async function upgrade(
  request: IncomingMessage,
  socket: Duplex,
  { target, fault }: Way,
): Promise<Socket | null> {
  if (fault.kind === 'hang') return null
  if (fault.kind === 'reset') {
    socket.destroy()
    return null
  }
  if (fault.kind === 'status' || fault.kind === 'html') {
    const status = fault.kind === 'status' ? fault.status : 200
    const waits = fault.kind === 'status' ? retryAfter(fault) : {}
    const lines = Object.entries({ ...waits, Connection: 'close' }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n`)
    return null
  }
  if (fault.kind === 'latency') await pause(fault.ms)
  const upstream = connect(Number(target.port), target.hostname, () => {
    const { method, url, rawHeaders } = request
    const lines = rawHeaders.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('')
    upstream.write(`${method} ${url} HTTP/1.1\r\n${lines}\r\n`)
    socket.pipe(upstream)
    const last = fault.kind === 'truncate' ? cutter(600, () => socket.destroy()) : flipper(fault, 400)
    upstream.pipe(last).pipe(socket)
  })
  socket.on('close', () => upstream.destroy())
  upstream.on('close', () => socket.destroy())
  return upstream
}

function retryAfter({ retryAfterSec }: { readonly retryAfterSec?: number }): Record<string, string> {
  return retryAfterSec === undefined ? {} : { 'Retry-After': String(retryAfterSec) }
}

/** Lets so many bytes through, then cuts. */
function cutter(bytes: number, cut: () => void): Transform {
  let left = bytes
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (left > 0) this.push(chunk.subarray(0, left))
      left -= chunk.length
      if (left <= 0) setImmediate(cut)
      done()
    },
  })
}

/** Passes on what comes; where bits are to flip, those of some bytes after the first ones. */
function flipper({ kind }: Fault, after = 0): Transform {
  let at = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const isFlipped = (i: number) => kind === 'flip' && at + i > after && (at + i) % 997 === 30
      const bytes = chunk.map((byte, i) => (isFlipped(i) ? byte ^ 1 : byte))
      at += bytes.length
      done(null, bytes)
    },
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
