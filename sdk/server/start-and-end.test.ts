/** What a client starts from and leaves behind, where its store or its edge does not do as it should. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { startEdgeKit, flagLine } from './edge.test-kit.ts'
import { createClient, fileStore } from './index.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  vi.unstubAllGlobals()
  for (const close of closing.splice(0).toReversed()) await close() // oxlint-disable-line no-await-in-loop -- clients first
})

test('a start with an older bootstrap leaves the newer flags in the store, and `ready` takes whatever it is given', async () => {
  const edge = await startEdgeKit()
  await edge.publish([flagLine('a', false)])
  const folder = mkdtempSync(join(tmpdir(), 'halyard-sdk-'))
  closing.push(() => rmSync(folder, { recursive: true, force: true }))
  const store = fileStore(join(folder, 'flags.json'))
  const first = createClient({ edge: edge.url, key: edge.key, store })
  await first.ready()
  const bootstrap = first.export() ?? ''
  await edge.publish([flagLine('a', true)])
  await expect.poll(() => first.version).toBe('1.2')
  await first.close()
  await edge.close()
  const isolated = createClient({ edge: edge.url, key: edge.key, bootstrap, store })
  for (const options of [null, { timeoutMs: 1n }, { timeoutMs: 'soon' }, { timeoutMs: undefined }])
    expect(await isolated.ready(options as never)).toBe(true) // oxlint-disable-line no-await-in-loop
  await isolated.close()
  const client = createClient({ edge: edge.url, key: edge.key, store })
  closing.push(client.close)
  await client.ready()
  expect([client.version, client.boolean('a', false)]).toEqual(['1.2', true])
})

test('closing ends also with a store and an edge that do not answer, and lets go of all requests', async () => {
  const [edge, silent] = await Promise.all([startEdgeKit(), startSilentServer()])
  closing.push(edge.close)
  await edge.publish([flagLine('a', true)])
  const first = createClient({ edge: edge.url, key: edge.key })
  closing.push(first.close)
  await first.ready()
  const store = { load: async () => first.export(), save: never, loadBlob: never, saveBlob: never }
  vi.stubGlobal('WebSocket', undefined)
  const client = createClient({ edge: silent.url, key: edge.key, store })
  await client.ready()
  client.boolean('a', false)
  await expect.poll(() => silent.open(), { timeout: 5_000 }).toBeGreaterThanOrEqual(2)
  await client.close()
  await expect.poll(() => silent.open()).toBe(0)
}, 15_000)

/** Takes every request and answers none; `open` counts those whose other side is still there. */
async function startSilentServer() {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    socket.once('data', () => sockets.add(socket.resume())) // `fetch` keeps connections that ask nothing
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo // it listens on a port
  return { url: `http://127.0.0.1:${port}`, open: () => sockets.size }
}

function never(): Promise<never> {
  return new Promise(() => {})
}
