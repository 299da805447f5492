import { OFREPProvider } from '@openfeature/ofrep-provider'
import { OpenFeature } from '@openfeature/server-sdk'
import { readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { createLocalClient } from '@halyard/sdk/local/index.ts'
import { applyChanges } from '@halyard/shared/protocol/delta.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { callApi, importFlagd, openStream, project, runCli, until, useStack } from './stack-kit.ts'

interface FlagdFlag {
  readonly variants: Readonly<Record<string, string | number | boolean>>
  readonly defaultVariant: string
}

const file = 'cli/importers/otel-demo.flagd.json'
const { flags }: { flags: Readonly<Record<string, FlagdFlag>> } = JSON.parse(readFileSync(file, 'utf8'))
const system = useStack()
const production = `${project}/environments/production`

afterAll(() => OpenFeature.close())

async function connectProvider() {
  const { stack } = system
  const headers = { authorization: `Bearer ${stack.seed.environments.production.serverKey}` }
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: stack.urls.edge, headers }))
  return OpenFeature.getClient()
}

test('the flags of the OpenTelemetry demo shop are imported by the CLI, all sixteen', async () => {
  const plan = await runCli(system.stack, ['import', 'flagd', file, '--json'])
  expect(Object.keys(flags)).toHaveLength(16)
  const before = await callApi<{ items: unknown[] }>(system.stack, 'GET', `${project}/flags?limit=100`)
  expect(before.items, 'a plan writes nothing').toHaveLength(4)
  expect(JSON.parse(plan)).toBeTypeOf('object')
  await importFlagd(system.stack, file)
  const after = await callApi<{ items: { key: string }[] }>(system.stack, 'GET', `${project}/flags?limit=100`)
  expect(after.items.map((flag) => flag.key)).toEqual(expect.arrayContaining(Object.keys(flags)))
})

test('a published OpenFeature client reads each of them at the edge', async () => {
  const client = await connectProvider()
  await until(
    async () => (await client.getBooleanDetails('adFailure', true)).errorCode,
    (errorCode) => errorCode === undefined,
  )
  for (const [key, flag] of Object.entries(flags)) {
    const value = flag.variants[flag.defaultVariant]
    const context = { targetingKey: 'user-1', product_id: 'OLJCESPC7Z' }
    const details =
      typeof value === 'boolean'
        ? await client.getBooleanDetails(key, !value, context)
        : await client.getNumberDetails(key, -1, context)
    expect(details).toMatchObject({ flagKey: key, value, variant: flag.defaultVariant })
    expect(details.errorCode).toBeUndefined()
  }
})

test('a client in local mode on the exported file gives what the edge gives', async () => {
  const { stack } = system
  const exported = JSON.parse(await runCli(stack, ['export', '--format', 'json']))
  const client = createLocalClient({ ...exported, environment: 'production' })
  const reasons = new Set<string>()
  for (let user = 0; user < 20; user += 1) {
    const product = user % 2 === 0 ? 'OLJCESPC7Z' : 'L9ECAV7KIM'
    const context = { targetingKey: `user-${user}`, product_id: product, plan: 'pro', country: 'CA' }
    const response = await fetch(`${stack.urls.edge}/ofrep/v1/evaluate/flags`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${stack.seed.environments.production.serverKey}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ context }),
    })
    const { flags: given } = (await response.json()) as { flags: { key: string; reason: string }[] }
    expect(given).toHaveLength(20)
    for (const { key, ...answer } of given) {
      const { value, variant, reason } = client.explain(key, context).details
      expect(answer).toMatchObject({ value, variant, reason })
      reasons.add(reason)
    }
  }
  expect([...reasons]).toEqual(expect.arrayContaining(['SPLIT', 'TARGETING_MATCH']))
})

test('a toggle is seen on the socket and at the edge, with the version that the write answered', async () => {
  const { stack } = system
  const client = await connectProvider()
  const stream = openStream(stack, stack.seed.environments.production.serverKey)
  const first = await stream.next((message) => message.kind === 'snapshot')
  if (first?.kind !== 'snapshot') throw new Error('a stream begins with a snapshot')
  const held = await sha256Hex(first.body)
  expect(await client.getBooleanValue('new-checkout', false)).toBe(true)
  const toggled = await callApi<{ enabled: boolean; versions: { production: string } }>(
    stack,
    'POST',
    `${production}/flags/new-checkout/toggle`,
    { enabled: false, comment: 'system test' },
  )
  expect(toggled.enabled).toBe(false)
  await stream.next((message) => {
    if (message.kind !== 'delta' || message.base !== held) return false
    return /^flag\tnew-checkout\t.*"enabled":false/m.test(applyChanges(first.body, message) ?? '')
  })
  await until(
    () => client.getBooleanDetails('new-checkout', true),
    (details) => details.value === false && details.reason === 'DISABLED',
  )
  const status = await fetch(`${stack.urls.edge}/v1/status`, {
    headers: { authorization: `Bearer ${stack.seed.environments.production.serverKey}` },
  })
  expect(await status.json()).toMatchObject({ version: toggled.versions.production })
  stream.socket.close()
})

test('a revoked key is refused at the edge and its socket is closed', async () => {
  const { stack } = system
  const key = await callApi<{ id: string; secret: string }>(stack, 'POST', `${project}/keys`, {
    class: 'server',
    environment: 'production',
    name: 'short-lived',
  })
  const evaluate = () =>
    fetch(`${stack.urls.edge}/ofrep/v1/evaluate/flags/new-checkout`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
      body: '{"context":{}}',
    })
  await until(evaluate, (response) => response.status === 200)
  const stream = openStream(stack, key.secret)
  await stream.next((message) => message.kind === 'snapshot')
  await callApi(stack, 'DELETE', `${project}/keys/${key.id}`)
  // The close frame comes at once; workerd lets go of the connection itself up to ten seconds later.
  await until(
    async () => stream.socket.readyState,
    (state) => state >= WebSocket.CLOSING,
  )
  await until(evaluate, (response) => response.status === 401)
})

test('a change that was committed but not published arrives by itself after kill -9 of control', async () => {
  const { stack } = system
  const { control, hub } = stack.workers
  // With the hub dead, the change commits and cannot be published: control dies between the two.
  await hub.kill9()
  const toggled = await callApi<{ versions: { production: string } }>(
    stack,
    'POST',
    `${production}/flags/adFailure/toggle`,
    { enabled: false },
  )
  await control.kill9()
  await hub.start()
  await control.start()
  const client = await connectProvider()
  await until(
    () => client.getBooleanDetails('adFailure', true),
    (details) => details.reason === 'DISABLED',
    20_000, // sooner than the sweep of every minute would be likely to do it
  )
  expect(toggled.versions.production).toMatch(/^1\.\d+$/)
})

test('the edge goes on answering without control and Postgres', async () => {
  const { stack } = system
  await stack.workers.control.kill9()
  await stack.postgres?.stop()
  const client = await connectProvider()
  for (const [key, flag] of Object.entries(flags)) {
    const value = flag.variants[flag.defaultVariant]
    if (typeof value !== 'number') continue
    const details = await client.getNumberDetails(key, -1, { targetingKey: 'user-1' })
    expect(details).toMatchObject({ value, variant: flag.defaultVariant })
  }
})

test('and then without the hub, from what it holds', async () => {
  const { stack } = system
  await stack.workers.hub.kill9()
  const client = await connectProvider()
  const details = await client.getNumberDetails('loadGeneratorVUs', -1)
  expect(details).toMatchObject({ value: 5, variant: '5' })
})
