/** Over real connections: what stands between a page and its edge may do anything. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFaultyProxy, type Fault, type FaultyProxy } from '../server/faulty-proxy.test-kit.ts'
import { openPage } from './test-kit.ts'

const held: { proxy?: FaultyProxy; value: string } = { value: 'before' }

const server = createServer((request, response) => {
  request.resume()
  const padding = 'x'.repeat(4_000)
  const flags = [{ key: 'name', value: held.value, reason: 'STATIC', variant: 'v', metadata: { padding } }]
  const text = JSON.stringify({ flags })
  response.writeHead(200, { 'content-length': text.length, 'halyard-version': '1.1' }).end(text)
})

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  held.proxy = await startFaultyProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) // it listens on a port
})

afterAll(async () => {
  await held.proxy?.close()
  server.close()
})

const patience = { timeout: 20_000, interval: 5 }

const rejections: unknown[] = []
process.on('unhandledRejection', (cause) => rejections.push(cause))

const pollMs = 60_000
const timeoutMs = 10_000
const backOffMs = 500
const faults: readonly { readonly fault: Fault; readonly error: string; readonly retryMs?: number }[] = [
  { fault: { kind: 'reset' }, error: 'fetch failed' },
  { fault: { kind: 'html' }, error: 'not valid JSON' },
  { fault: { kind: 'truncate' }, error: 'terminated' },
  { fault: { kind: 'hang' }, error: 'no answer within 10 s' },
  { fault: { kind: 'status', status: 500 }, error: '500' },
  { fault: { kind: 'status', status: 429, retryAfterSec: 30 }, error: '429', retryMs: 30_000 + backOffMs },
]

for (const { fault, error, retryMs = backOffMs } of faults) {
  const name = fault.kind === 'status' ? `status ${fault.status}` : fault.kind
  test(`${name}: the last values stay, and the next ones come`, async () => {
    const { proxy } = held
    if (!proxy) throw new Error('it starts before the tests')
    held.value = 'before'
    proxy.set({ kind: 'none' })
    const page = openPage({ edge: proxy.url }, { fetch: (url, init) => fetch(url, init) })
    expect(await page.client.ready()).toBe(true)
    held.value = 'after'
    proxy.set(fault)
    await page.pass(pollMs)
    if (fault.kind === 'hang') await page.pass(timeoutMs)
    await expect.poll(() => page.client.status().error, patience).toContain(error)
    expect(page.client.string('name', 'default')).toBe('before')
    proxy.set({ kind: 'none' })
    await page.pass(retryMs)
    await expect.poll(() => page.client.string('name', 'default'), patience).toBe('after')
    expect(page.client.status().error).toBe(undefined)
    expect(rejections).toEqual([])
  })
}

test('status 401: the last values stay, and nothing more is asked', async () => {
  const { proxy } = held
  if (!proxy) throw new Error('it starts before the tests')
  const page = openPage({ edge: proxy.url }, { fetch: (url, init) => fetch(url, init) })
  expect(await page.client.ready()).toBe(true)
  proxy.set({ kind: 'status', status: 401 })
  await page.pass(pollMs)
  await expect.poll(() => page.client.status().state, patience).toBe('offline')
  const asked = proxy.seen.length
  proxy.set({ kind: 'none' })
  await page.pass(10 * pollMs)
  expect([proxy.seen.length, page.client.string('name', 'default')]).toEqual([asked, held.value])
})
