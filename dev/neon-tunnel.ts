import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { pipeline, type Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws'
import type { DatabaseTarget } from './database-target.ts'

export interface Tunnel {
  readonly upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void
  readonly close: () => void
}

/** Length 8 and the number that stands for "may I speak TLS?"; the answer is one byte, `S` for yes. */
const tlsRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** Carries the bytes of Postgres' protocol between binary WebSocket messages and the server. */
export function makeTunnel(target: DatabaseTarget): Tunnel {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  return {
    upgrade: (req, socket, head) => server.handleUpgrade(req, socket, head, (ws) => void carry(ws, target)),
    close: () => server.clients.forEach((ws) => ws.terminate()),
  }
}

async function carry(ws: WebSocket, target: DatabaseTarget): Promise<void> {
  const client = createWebSocketStream(ws)
  client.on('error', () => {}) // it went away: the pipeline closes the other side
  try {
    const upstream = await open(target)
    // Either side's end or failure ends both, so that the server rolls back what a lost client had begun.
    pipeline(client, upstream, client, () => {
      upstream.destroy()
      ws.close()
    })
  } catch (error) {
    ws.close(1011, String(error).slice(0, 100))
  }
}

async function open({ host, port, ssl }: DatabaseTarget): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true })
  await once(socket, 'connect')
  if (!ssl) return socket
  socket.write(tlsRequest)
  const [answer] = (await once(socket, 'data')) as [Buffer] // the event's only argument
  if (answer.toString() !== 'S') throw new Error('the server offers no TLS')
  const secure = connectTls({ socket, servername: host, ...ssl })
  await once(secure, 'secureConnect')
  return secure
}
