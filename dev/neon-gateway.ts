import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseDatabaseUrl, readTarget } from './database-target.ts'
import { makeSqlHandler } from './neon-sql.ts'
import { makeTunnel } from './neon-tunnel.ts'

export interface GatewayOptions {
  /** Any free one if left out. */
  readonly port?: number
  /** Names the server behind; who connects, and to which database, each caller says itself. */
  readonly connectionString: string
}

export interface Gateway {
  readonly port: number
  readonly close: () => Promise<void>
}

/**
 * Puts Neon's two ways in before any Postgres, on 127.0.0.1, so that `@neondatabase/serverless` works with it:
 * `POST /sql`, and a WebSocket at `/v2`. The driver is told so: `fetchEndpoint` = http://HOST/sql, `wsProxy` =
 * HOST/v2, `useSecureWebSocket` and `pipelineConnect` false (servers that ask for SCRAM cannot be pipelined to).
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const target = readTarget(parseDatabaseUrl(options.connectionString, 'The connection string'))
  const sql = makeSqlHandler(target)
  const tunnel = makeTunnel(target)
  const server = createServer((req, res) => {
    if (req.method === 'POST' && req.url === '/sql') void sql.handle(req, res)
    else res.writeHead(404).end()
  })
  server.on('upgrade', (req, socket, head) => {
    if (req.url?.split('?')[0] === '/v2') tunnel.upgrade(req, socket, head)
    else socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on a port, not on a pipe
  const close = async () => {
    tunnel.close()
    server.close()
    server.closeAllConnections()
    await sql.close()
  }
  return { port, close }
}
