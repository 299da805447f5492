import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

/** What takes connections and never answers, on a free port, until it is opened to a real edge. */
export interface SilentEdge {
  readonly origin: string
  /** From now on it is the edge of that origin; who waits has to come again. */
  readonly open: (origin: string) => void
  /** Connections through it, and those onward. */
  readonly sockets: ReadonlySet<Socket>
  readonly close: () => void
}

export async function startSilentEdge(): Promise<SilentEdge> {
  const sockets = new Set<Socket>()
  let target: URL | null = null
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
  }
  const hangUp = () => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer((socket) => {
    keep(socket)
    if (target === null) return
    const onward = connect(Number(target.port), target.hostname)
    keep(onward)
    socket.pipe(onward).pipe(socket)
    // A connection that is cut ends no pipe.
    socket.on('close', () => onward.destroy())
    onward.on('close', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on a port
    sockets,
    open: (origin) => {
      target = new URL(origin)
      hangUp()
    },
    close: () => {
      hangUp()
      server.close()
    },
  }
}
