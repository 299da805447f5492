/** The server client against the whole product, through a proxy that breaks its way to the edge. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { FlagUsage } from '@halyard/shared/contract/usage-endpoints.ts'
import { createClient, fileStore, type ServerClient } from '../sdk/server/index.ts'
import { startFaultyProxy, type Fault } from '../sdk/server/faulty-proxy.test-kit.ts'
import { callApi, project, until, useStack } from './stack-kit.ts'

const held = useStack()
const folder = mkdtempSync(join(tmpdir(), 'halyard-client-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Gives false or, toggled, true to everybody. */
const watched = {
  key: 'watched',
  environments: { production: { enabled: false, fallthrough: { variant: 'on' } } },
}

interface Written {
  readonly versions: Readonly<Record<string, string>>
}

/** The version that the write made. */
async function write(path: string, body: object): Promise<string> {
  const { versions } = await callApi<Written>(held.stack, 'POST', `${project}${path}`, body)
  return versions['production'] ?? ''
}

const toggle = () => write('/environments/production/flags/watched/toggle', {})

async function reaches(client: ServerClient, version: string) {
  await until(
    async () => client.version,
    (at) => at === version,
  )
}

test('a write at the API shows in a client, as does the next after each way in which its connection can break', async () => {
  const { stack } = held
  const proxy = await startFaultyProxy(stack.urls.edge)
  const path = join(folder, 'flags.json')
  const { serverKey: key } = stack.seed.environments.production
  const client = createClient({ edge: proxy.url, key, store: fileStore(path) })
  expect(await client.ready({ timeoutMs: 20_000 })).toBe(true)
  await reaches(client, await write('/flags', watched))
  expect(client.booleanDetails('watched', true)).toMatchObject({ value: false, reason: 'DISABLED' })
  let isOn = false
  const faults: readonly Fault[] = [{ kind: 'reset' }, { kind: 'flip' }, { kind: 'html' }]
  for (const fault of faults) {
    /* oxlint-disable no-await-in-loop -- one after the other */
    const [before, seen] = [client.version, proxy.seen.length]
    proxy.set(fault)
    const version = await toggle()
    await until(
      async () => proxy.seen.length,
      (length) => length > seen,
    )
    expect([client.version, client.boolean('watched', !isOn)]).toEqual([before, isOn])
    isOn = !isOn
    proxy.set({ kind: 'none' })
    await reaches(client, version)
    expect(client.boolean('watched', !isOn)).toBe(isOn)
    /* oxlint-enable no-await-in-loop */
  }
  await client.close()
  await proxy.close()
  const restarted = createClient({ edge: proxy.url, key, store: fileStore(path) })
  expect([await restarted.ready(), restarted.status().state]).toEqual([true, 'offline'])
  expect(restarted.boolean('watched', !isOn)).toBe(isOn)
  await restarted.close()
})

test('what a client evaluated and tracked is counted by the edge', async () => {
  const { stack } = held
  const { serverKey: key } = stack.seed.environments.production
  const warnings: string[] = []
  const logger = { debug: () => {}, warn: (what: string) => warnings.push(what), error: () => {} }
  const client = createClient({ edge: stack.urls.edge, key, logger })
  await client.ready({ timeoutMs: 20_000 })
  for (let i = 0; i < 7; i++) client.variant('checkout-theme', { targetingKey: `user-${i}` })
  await client.close()
  expect(warnings).toEqual([])
  const usage = await until(
    () => callApi<FlagUsage>(stack, 'GET', `${project}/environments/production/flags/checkout-theme/usage`),
    ({ evaluations }) => evaluations >= 7,
    60_000,
  )
  expect(usage.evaluations).toBe(7)
})
