import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OpenFeature, type EventDetails } from '@openfeature/server-sdk'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { createTestClient } from '../testing/index.ts'
import { HalyardProvider } from './index.ts'

afterEach(() => OpenFeature.clearProviders())

let domains = 0

async function enter(provider: HalyardProvider) {
  const domain = `domain-${(domains += 1)}`
  const failure: unknown = await OpenFeature.setProviderAndWait(domain, provider).catch(
    (error: unknown) => error,
  )
  return { client: OpenFeature.getClient(domain), failure }
}

/** An edge that gives every request this answer, or none at all. */
async function startEdge(status: number | null): Promise<string> {
  const server = createServer((request, response) => {
    if (status !== null) response.writeHead(status).end('{}')
    request.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on a port
}

const since = (year: number) => ({ user: { since: new Date(Date.UTC(year, 0)) } })
const someKey = () => makeKey('server', makeId('env'), 'a secret')

test('wrong options are fatal, and the error says which', async () => {
  const { client, failure } = await enter(
    new HalyardProvider({ edge: 'ftp://example.com', key: await someKey() }),
  )
  expect(failure).toMatchObject({ code: 'PROVIDER_FATAL', message: expect.stringContaining('edge') })
  expect(client.providerStatus).toBe('FATAL')
})

test('a refused key is fatal, without waiting for the time-out', async () => {
  const options = { edge: await startEdge(401), key: await someKey() }
  const { client, failure } = await enter(new HalyardProvider(options, { timeoutMs: 2 ** 31 }))
  expect(failure).toMatchObject({ code: 'PROVIDER_FATAL' })
  expect(client.providerStatus).toBe('FATAL')
})

test('an edge that says nothing is an error, and default values are given', async () => {
  const options = { edge: await startEdge(null), key: await someKey() }
  const { client, failure } = await enter(new HalyardProvider(options, { timeoutMs: 20 }))
  expect(failure).toMatchObject({ code: 'PROVIDER_NOT_READY' })
  expect(client.providerStatus).toBe('ERROR')
  await expect(client.getStringDetails('theme', 'light')).resolves.toMatchObject({
    value: 'light',
    reason: 'ERROR',
    errorCode: 'PROVIDER_NOT_READY',
  })
})

test('a provider that nobody initialized gives default values and says so', async () => {
  const provider = new HalyardProvider({ edge: 'https://flags.example.com', key: await someKey() })
  await expect(provider.resolveBooleanEvaluation('new-checkout', true, {})).resolves.toMatchObject({
    value: true,
    errorCode: 'PROVIDER_NOT_READY',
  })
})

test('details tell the variant, the reason and the rule', async () => {
  const when = { attribute: 'country', op: 'eq', value: 'DE' } as const
  const rules = [{ when, serve: { variant: 'compact' } }]
  const client = createTestClient(
    {},
    {
      definitions: {
        flags: {
          theme: { enabled: true, variants: { classic: 'c', compact: 'k' }, variant: 'classic', rules },
        },
      },
    },
  )
  const entered = await enter(new HalyardProvider(client))
  const details = await entered.client.getStringDetails('theme', 'none', { country: 'DE' })
  expect(details).toMatchObject({
    flagKey: 'theme',
    value: 'k',
    variant: 'compact',
    reason: 'TARGETING_MATCH',
    flagMetadata: { ruleId: expect.any(String) },
  })
})

test('a moment in the context is compared as a moment', async () => {
  const when = { attribute: 'user.since', op: 'before', value: '2025-01-01T00:00:00Z' } as const
  const client = createTestClient(
    {},
    {
      definitions: {
        flags: { old: { enabled: true, variant: 'off', rules: [{ when, serve: { variant: 'on' } }] } },
      },
    },
  )
  const entered = await enter(new HalyardProvider(client))
  await expect(entered.client.getBooleanValue('old', false, since(2024))).resolves.toBe(true)
  await expect(entered.client.getBooleanValue('old', true, since(2026))).resolves.toBe(false)
})

test('a change is told with the keys of its flags, and no other event', async () => {
  const client = createTestClient({ 'new-checkout': false })
  const entered = await enter(new HalyardProvider(client))
  const heard = vi.fn<(event?: EventDetails) => void>()
  for (const event of ['PROVIDER_CONFIGURATION_CHANGED', 'PROVIDER_ERROR', 'PROVIDER_STALE'])
    entered.client.addHandler(event as never, heard) // its enum is these texts
  client.set('new-checkout', true)
  await vi.waitFor(() => expect(heard).toHaveBeenCalledOnce())
  expect(heard.mock.calls[0]?.[0]).toMatchObject({ flagsChanged: ['new-checkout'], providerName: 'halyard' })
})

test('tracking reaches the client with its context and value', async () => {
  const client = createTestClient({})
  const entered = await enter(new HalyardProvider(client))
  entered.client.track('checkout', { targetingKey: 'user-1' }, { value: 9.5, currency: 'EUR' })
  entered.client.track('visit')
  expect(client.tracked).toEqual([
    { name: 'checkout', context: { targetingKey: 'user-1' }, value: 9.5 },
    { name: 'visit', context: {} },
  ])
})

test('a client that was given stays open, and a closed provider tells nothing more', async () => {
  const given = createTestClient({ 'new-checkout': true })
  await enter(new HalyardProvider(given))
  const made = new HalyardProvider({ edge: await startEdge(null), key: await someKey() }, { timeoutMs: 20 })
  const { client } = await enter(made)
  const heard = vi.fn<() => void>()
  client.addHandler('PROVIDER_STALE' as never, heard) // its enum is this text
  await OpenFeature.clearProviders()
  expect(given.status().state).not.toBe('closed')
  const details = await made.resolveBooleanEvaluation('new-checkout', true, {})
  expect(details.errorCode).toBe('PROVIDER_NOT_READY')
  expect(heard).not.toHaveBeenCalled()
})

test('a provider can be set again after it was closed', async () => {
  const provider = new HalyardProvider(createTestClient({ 'new-checkout': true }))
  await enter(provider)
  await OpenFeature.clearProviders()
  const { client } = await enter(provider)
  await expect(client.getBooleanValue('new-checkout', false)).resolves.toBe(true)
})
