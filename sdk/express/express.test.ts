import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createTestClient } from '../testing/index.ts'
import { halyard } from './index.ts'

async function serve(app: Express): Promise<string> {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/` // it listens on a port
}

async function get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const response = await fetch(url, { headers })
  expect(response.status).toBe(200)
  return await response.json()
}

test('a toggle in the middle of a request shows in the next one', async () => {
  const client = createTestClient({ 'new-checkout': false })
  const app = express().use(halyard({ client }))
  app.get('/', (req, res) => {
    const before = req.flags.boolean('new-checkout', false)
    client.set('new-checkout', true)
    res.json([before, req.flags.boolean('new-checkout', false)])
  })
  const url = await serve(app)
  await expect(get(url)).resolves.toEqual([false, false])
  await expect(get(url)).resolves.toEqual([true, true])
})

test('flags are evaluated for the context of their request', async () => {
  const client = createTestClient({ 'new-checkout': false })
  client.setFor('anna', 'new-checkout', true)
  const app = express().use(
    halyard({ client, context: async (req) => ({ targetingKey: req.get('x-user') ?? '' }) }),
  )
  app.get('/', (req, res) => void res.json(req.flags.isEnabled('new-checkout')))
  const url = await serve(app)
  await expect(get(url, { 'x-user': 'anna' })).resolves.toBe(true)
  await expect(get(url, { 'x-user': 'ben' })).resolves.toBe(false)
})

test('a context function that fails is logged, and the request goes on without', async () => {
  const error = vi.fn<(message: string) => void>()
  const logger = { debug: () => {}, warn: () => {}, error }
  const client = createTestClient({ 'new-checkout': true })
  const app = express().use(
    halyard({ client, context: () => Promise.reject(new Error('no session')), logger }),
  )
  app.get('/', (req, res) => void res.json(req.flags.boolean('new-checkout', false)))
  await expect(get(await serve(app))).resolves.toBe(true)
  expect(error.mock.calls).toEqual([[expect.stringContaining('no session')]])
})

test("an error of the user's own handler stays the user's own", async () => {
  const app = express().use(halyard({ client: createTestClient() }))
  app.get('/', () => {
    throw new Error('a fault of the page')
  })
  app.use(
    ((error, _req, res, _next) => void res.status(418).json(error.message)) as express.ErrorRequestHandler,
  )
  const response = await fetch(await serve(app))
  expect([response.status, await response.json()]).toEqual([418, 'a fault of the page'])
})
