/** A handler of requests behind Node's HTTP server, on this machine alone. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeStream } from 'node:stream/web'
import type { Handler } from './ofrep-handler.ts'

export interface HttpServer {
  readonly port: number
  /** Ends once all answers are given. */
  readonly close: () => Promise<void>
}

const host = '127.0.0.1'

/** Listens; port 0 takes a free one. Rejects if the port cannot be had. */
export async function listen(handler: Handler, port: number): Promise<HttpServer> {
  const server = createServer((incoming, outgoing) => void serve(handler, incoming, outgoing))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return { port: portOf(server), close: () => closeServer(server) }
}

async function serve(handler: Handler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  try {
    await send(await handler(toRequest(incoming)), outgoing)
  } catch (cause) {
    if (outgoing.headersSent) return void outgoing.destroy() // the other side went away
    process.stderr.write(`halyard: a request failed: ${String(cause)}\n`)
    outgoing.writeHead(500, { 'Content-Type': 'application/json' })
    outgoing.end('{"errorCode":"GENERAL","errorDetails":"the service failed"}')
  }
}

function toRequest(incoming: IncomingMessage): Request {
  const { method = 'GET', url = '/', headers } = incoming
  const given = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  )
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(new URL(url, `http://${host}`), {
    method,
    headers: given,
    ...(hasBody && { body: Readable.toWeb(incoming) as ReadableStream<Uint8Array>, duplex: 'half' as const }), // of bytes
  })
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  if (response.body === null) return void outgoing.end()
  outgoing.flushHeaders()
  await pipeline(Readable.fromWeb(response.body as NodeStream<Uint8Array>), outgoing) // the same stream by another name
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it listens on a port')
  return address.port
}
