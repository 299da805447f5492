import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { fault } from './fault.ts'

/** How long a port may take to become free after the process that held it was ended. */
const patienceMs = 2_000

/** A port of 127.0.0.1 that was free a moment ago. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on a port, not on a pipe
  server.close()
  await once(server, 'close')
  return port
}

/** Throws a fault that names the port, if something keeps listening there. */
export async function requireFreePort(port: number, purpose: string, remedy: string): Promise<void> {
  const end = Date.now() + patienceMs
  for (;;) {
    // One look after another.
    // oxlint-disable-next-line no-await-in-loop
    const problem = await listenOnce(port)
    if (problem === null) return
    if (problem === 'EACCES') throw fault(`Port ${port} (${purpose}) needs more rights`, remedy)
    if (Date.now() > end) throw fault(`Port ${port} (${purpose}) is in use`, remedy)
    await wait(50) // oxlint-disable-line no-await-in-loop
  }
}

async function listenOnce(port: number): Promise<string | null> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown' // listen fails with a system error
  }
  server.close()
  await once(server, 'close')
  return null
}
