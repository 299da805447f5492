import { beforeEach, expect, test, vi } from 'vitest'
import { formatKvValue, kvNames } from '@halyard/shared/protocol/hub.ts'
import {
  edgeEnv,
  hubWithout,
  makeWorld,
  newKey,
  noPlaces,
  publicationOf,
  sampleFlags,
  startEdge,
} from './test-kit.ts'

const noKv = { get: async () => await Promise.reject(new Error('KV is gone')) } as unknown as KVNamespace
const emptyKv = { get: async () => null } as unknown as KVNamespace
const hanging = { read: () => new Promise<never>(() => undefined) }

// Every fault is logged, as it should be.
beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined))

test('with the hub gone a cold edge answers from KV, and says that nobody confirmed it', async () => {
  const { server, environment, publish } = await makeWorld()
  await publish(3)
  await kvHolds(environment)
  const { call } = startEdge({ HUB: hubWithout('read') })
  const answer = await call('/v1/ruleset', { key: server.text })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('Halyard-Confirmed')).toBe('false')
  expect(answer.headers.get('Halyard-Version')).toBe('1.3')
})

test('with the hub hanging a cold edge answers from KV', async () => {
  const { server, environment, publish } = await makeWorld()
  await publish(1)
  await kvHolds(environment)
  const { call } = startEdge({ HUB: { ...hubWithout(), ...hanging } })
  expect((await call('/v1/ruleset', { key: server.text })).status).toBe(200)
})

test('a copy from KV is confirmed as soon as the hub is back', async () => {
  const { server, environment, publish } = await makeWorld()
  await publish(1)
  await kvHolds(environment)
  const { call, bindings, clock, settle } = startEdge({ HUB: hubWithout('read') })
  await call('/v1/ruleset', { key: server.text })
  bindings.HUB = hubWithout()
  clock.aheadMs += 2_500
  await call('/v1/status', { key: server.text })
  await settle()
  const answer = await call('/v1/status', { key: server.text })
  expect(answer.headers.get('Halyard-Confirmed')).toBe('true')
})

test('with hub and KV gone a warm edge answers from its last good copy, whatever its age, and shows it', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call, bindings, clock, settle } = startEdge()
  expect((await call('/v1/ruleset', { key: server.text })).status).toBe(200)
  Object.assign(bindings, { HUB: hubWithout('read', 'fetch'), SNAPSHOTS: noKv })
  for (const aheadMs of [10_000, 60_000, 90 * 24 * 3_600_000]) {
    clock.aheadMs = aheadMs
    const answer = await call('/v1/evaluate', { key: server.text, body: { flag: 'steady' } })
    expect(await answer.json()).toMatchObject({ value: true })
    expect(Number(answer.headers.get('Halyard-Age'))).toBeGreaterThanOrEqual(aheadMs / 1000)
    await settle()
  }
})

test('with hub and KV hanging a warm edge answers from its last good copy, whatever its age', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call, bindings, clock } = startEdge({}, undefined, noPlaces)
  await call('/v1/status', { key: server.text })
  const hangingKv = { get: () => new Promise(() => undefined) } as unknown as KVNamespace
  Object.assign(bindings, { HUB: { ...hubWithout(), ...hanging }, SNAPSHOTS: hangingKv })
  for (const aheadMs of [10_000, 60_000, 3 * 365 * 24 * 3_600_000]) {
    clock.aheadMs = aheadMs
    const answer = await call('/v1/evaluate', { key: server.text, body: { flag: 'steady' } })
    expect(await answer.json()).toMatchObject({ value: true })
    expect(Number(answer.headers.get('Halyard-Age'))).toBeGreaterThanOrEqual(aheadMs / 1000)
  }
})

test.each([
  ['gone', noKv],
  ['empty', emptyKv],
  ['hanging', { get: () => new Promise(() => undefined) } as unknown as KVNamespace],
])('with KV %s a cold edge starts from the hub', async (_, SNAPSHOTS) => {
  const { server, publish } = await makeWorld()
  await publish(2)
  const { call } = startEdge({ SNAPSHOTS }, undefined, noPlaces)
  const answer = await call('/v1/evaluate', { key: server.text, body: { flag: 'steady' } })
  expect(await answer.json()).toMatchObject({ value: true })
  expect(answer.headers.get('Halyard-Confirmed')).toBe('true')
})

test('that nothing was published is not remembered', async () => {
  const { server, publish } = await makeWorld()
  const { call } = startEdge()
  expect((await call('/v1/status', { key: server.text })).status).toBe(503)
  await publish(1)
  expect((await call('/v1/status', { key: server.text })).status).toBe(200)
})

test('with hub and KV gone a cold edge says that it cannot answer yet, and remembers nothing of that', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call, bindings, clock } = startEdge({ HUB: hubWithout('read'), SNAPSHOTS: noKv })
  const answer = await call('/v1/evaluate', { key: server.text, body: {} })
  expect(answer.status).toBe(503)
  expect(answer.headers.get('Retry-After')).toMatch(/^[1-5]$/)
  expect(await answer.json()).toMatchObject({ errorCode: 'UNAVAILABLE' })
  Object.assign(bindings, { HUB: hubWithout(), SNAPSHOTS: emptyKv })
  clock.aheadMs += 1_000
  expect((await call('/v1/evaluate', { key: server.text, body: {} })).status).toBe(200)
})

test('an unknown key is not refused for good while the hub cannot be asked', async () => {
  const { environment, server, publish } = await makeWorld()
  await publish(1)
  const { call, bindings, clock } = startEdge()
  await call('/v1/status', { key: server.text })
  Object.assign(bindings, { HUB: hubWithout('read'), SNAPSHOTS: emptyKv })
  clock.aheadMs += 5_000
  const fresh = await newKey(environment, 'server')
  expect((await call('/v1/status', { key: fresh.text })).status).toBe(503)
  await publish(2, { keys: [server.entry, fresh.entry] })
  bindings.HUB = hubWithout()
  clock.aheadMs += 1_000
  expect((await call('/v1/status', { key: fresh.text })).status).toBe(200)
})

test('a KV value that was tampered with is refused and counted, and the last good copy stays', async () => {
  const { environment, server, publish } = await makeWorld()
  await publish(1)
  const newer = await publicationOf(environment, 2, { keys: [server.entry], flags: { steady: {} } })
  const tampered = {
    get: async (name: string) => {
      const content =
        name === kvNames.snapshot(environment) ? newer.body.replace('"off"', '"on"') : newer.access
      return formatKvValue({ signedHead: newer.signedHead, confirmedAt: 4e15 }, content)
    },
  } as unknown as KVNamespace
  const { call, bindings, clock, settle } = startEdge()
  await call('/v1/status', { key: server.text })
  Object.assign(bindings, { HUB: hubWithout('read'), SNAPSHOTS: tampered })
  clock.aheadMs += 60_000
  const answer = await call('/v1/status', { key: server.text })
  expect(answer.headers.get('Halyard-Version')).toBe('1.1')
  await settle()
  expect(await (await call('/v1/status', { key: server.text })).json()).toMatchObject({
    version: '1.1',
    refused: 1,
  })
})

test('what the hub publishes next is served within the freshness bound', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call, clock } = startEdge()
  const ask = async () => (await call('/v1/evaluate', { key: server.text, body: { flag: 'steady' } })).json()
  expect(await ask()).toMatchObject({ value: true })
  await publish(2, { flags: { ...sampleFlags, steady: { enabled: false } } })
  expect(await ask()).toMatchObject({ value: true })
  clock.aheadMs += 2_500
  expect(await ask()).toMatchObject({ value: false, reason: 'DISABLED' })
})

test('an old copy is confirmed before it answers', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call, clock } = startEdge()
  await call('/v1/status', { key: server.text })
  await publish(2)
  clock.aheadMs += 31_000
  const answer = await call('/v1/status', { key: server.text })
  expect(answer.headers.get('Halyard-Version')).toBe('1.2')
})

async function kvHolds(environment: string) {
  const names = [kvNames.snapshot(environment), kvNames.access(environment)]
  await vi.waitFor(
    async () => {
      for (const name of names) expect(await edgeEnv.SNAPSHOTS.get(name)).not.toBeNull()
    },
    { timeout: 5000, interval: 20 },
  )
}
