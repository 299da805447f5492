import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { expect, test, vi } from 'vitest'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeHeadVerifier, parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import { kvNames, parseKvValue } from '@halyard/shared/protocol/hub.ts'
import { kvIntervalMs, kvRepeatMs } from './decide.ts'
import type { EnvironmentHub } from './environment-hub.ts'
import type { HubEnv } from './env.ts'
import { interceptPushes, keys, open, relayOf, serverKey } from './stream-kit.ts'
import { hubEnv, hubPublish, newEnvironment, publicationOf, publish, stubOf } from './test-kit.ts'

const patience = { timeout: 5000, interval: 20 }

test('KV values are what their own signed head names', async () => {
  const environment = newEnvironment()
  const publication = await publish(environment, 1)
  const verify = makeHeadVerifier(parseTrustedKeys(hubEnv.TRUSTED_KEYS))
  const [snapshot, access] = await vi.waitFor(async () => {
    const values = [await readKv('snapshot', environment), await readKv('access', environment)]
    expect(values).not.toContain(null)
    return values
  }, patience)
  const head = await verify(snapshot?.signedHead ?? '')
  expect(head).toMatchObject({ environment, version: 1 })
  expect(await sha256Hex(snapshot?.content ?? '')).toBe(head?.snapshotHash)
  expect(snapshot?.content).toBe(publication.body)
  expect(access?.signedHead).toBe(publication.signedHead)
  expect(await sha256Hex(access?.content ?? '')).toBe(head?.accessHash)
})

test('of several publications within a second KV gets the last, in one write', async () => {
  const environment = newEnvironment()
  const puts = await recordPuts(environment)
  await publish(environment, 1)
  await vi.waitFor(() => expect(puts.of('snapshot')).toHaveLength(1), patience)
  for (const version of [2, 3, 4]) await publish(environment, version)
  const { signedHead } = await publicationOf(environment, 4)
  await vi.waitFor(() => expect(puts.of('snapshot')).toHaveLength(2), patience)
  const [first, second] = puts.of('snapshot')
  expect(second?.value).toContain(signedHead)
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(kvIntervalMs)
  await vi.waitFor(async () => expect(await alarmAt(environment)).toBeNull(), patience)
})

test('a write that was called failed and lands late is made up for a minute later', async () => {
  const environment = newEnvironment()
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const late: Put[] = []
  const puts = await recordPuts(environment, (count) => {
    if (count > 2) return
    late.push(puts.all[count - 1] ?? never())
    throw new Error('no answer in 10000 ms')
  })
  await publish(environment, 1, { keys: [{ id: 'key_1', hash: 'h', class: 'server' }] })
  await vi.waitFor(() => expect(late).toHaveLength(2), patience)
  const { signedHead } = await publish(environment, 2)
  const isWritten = async (kind: 'snapshot' | 'access') =>
    expect((await readKv(kind, environment))?.signedHead).toBe(signedHead)
  await vi.waitFor(async () => {
    await Promise.all([isWritten('snapshot'), isWritten('access')])
    expect(await alarmAt(environment)).toBeGreaterThan(Date.now() + kvRepeatMs - 5000)
  }, patience)
  for (const { name, value } of late) await hubEnv.SNAPSHOTS.put(name, value)
  await ageKv(environment, kvRepeatMs + kvIntervalMs)
  await vi.waitFor(async () => {
    await Promise.all([isWritten('snapshot'), isWritten('access')])
    expect(await alarmAt(environment)).toBeNull()
  }, patience)
})

test('a write that hangs holds up neither pushes nor the other value, and is not begun twice', async () => {
  const environment = newEnvironment()
  const hung = kvNames.snapshot(environment)
  const puts = await recordPuts(environment, async (_, name) => {
    if (name === hung) await new Promise(() => undefined)
  })
  await publish(environment, 1)
  await vi.waitFor(() => expect(puts.of('snapshot')).toHaveLength(1), patience)
  await publish(environment, 2, { keys })
  await vi.waitFor(() => expect(puts.of('access')).toHaveLength(2), patience)
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const stream = await open(environment, serverKey, { since: '1.2' })
  await vi.waitFor(
    async () => expect(await hubPublish.receipts(environment, '1.2')).toHaveLength(1),
    patience,
  )
  let pushes = 0
  await interceptPushes(environment, async (update) => {
    pushes += 1
    if (pushes === 1) throw new Error('lost')
    return await relayOf(environment).push(update)
  })
  await publish(environment, 3, { keys })
  await stream.has(2)
  expect([pushes, puts.of('snapshot').length]).toEqual([2, 1])
})

test('the access value is written again only when the record changes', async () => {
  const environment = newEnvironment()
  const puts = await recordPuts(environment)
  await publish(environment, 1)
  await vi.waitFor(() => expect(puts.of('snapshot')).toHaveLength(1), patience)
  await publish(environment, 2)
  await vi.waitFor(() => expect(puts.of('snapshot')).toHaveLength(2), patience)
  expect(puts.of('access')).toHaveLength(1)
  await publish(environment, 3, { keys: [{ id: 'key_1', hash: 'h', class: 'server' }] })
  await vi.waitFor(() => expect(puts.of('access')).toHaveLength(2), patience)
})

test('a publication that arrives while KV is being written is written next', async () => {
  const environment = newEnvironment()
  const puts = await recordPuts(environment, async (count) => {
    if (count === 1) await publish(environment, 2)
  })
  await publish(environment, 1)
  const { signedHead } = await publicationOf(environment, 2)
  await vi.waitFor(() => expect(puts.of('snapshot').at(-1)?.value).toContain(signedHead), patience)
})

test('a KV write that fails is tried again by the alarm, and publishing does not fail with it', async () => {
  const environment = newEnvironment()
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const puts = await recordPuts(environment, () => {
    throw new Error('429 too many requests')
  })
  const { signedHead } = await publish(environment, 1)
  await vi.waitFor(() => expect(puts.of('snapshot')).toHaveLength(1), patience)
  const alarmAt = await vi.waitFor(async () => {
    const at = await runInDurableObject(stubOf(environment), (_, { storage }) => storage.getAlarm())
    expect(at).toBeGreaterThan(Date.now())
    return at
  }, patience)
  expect((alarmAt ?? 0) - (puts.of('snapshot')[0]?.at ?? 0)).toBeGreaterThanOrEqual(kvIntervalMs)
  expect(await readKv('snapshot', environment)).toBeNull()
  // A new instance has the real namespace again, and finds in storage what is still to be done.
  await evictDurableObject(stubOf(environment))
  await vi.waitFor(async () => {
    expect((await readKv('snapshot', environment))?.signedHead).toBe(signedHead)
  }, patience)
})

test('an alarm with nothing due does nothing', async () => {
  const environment = newEnvironment()
  const puts = await recordPuts(environment)
  await publish(environment, 1)
  await vi.waitFor(() => expect(puts.all).toHaveLength(2), patience)
  await runInDurableObject(stubOf(environment), (hub: EnvironmentHub) => hub.alarm())
  await runDurableObjectAlarm(stubOf(environment))
  expect(puts.all).toHaveLength(2)
})

interface Put {
  readonly name: string
  readonly value: string
  readonly at: number
}

/** Listens at the object's KV binding, which still writes; `before` may delay or fail the n-th write. */
async function recordPuts(
  environment: string,
  before: (count: number, name: string) => Promise<void> | void = () => undefined,
) {
  const all: Put[] = []
  await runInDurableObject(stubOf(environment), (hub: EnvironmentHub) => {
    const open = hub as unknown as { env: HubEnv } // protected, but the fault must be put in somewhere
    const { SNAPSHOTS } = open.env
    const put = async (name: string, value: string) => {
      all.push({ name, value, at: Date.now() })
      await before(all.length, name)
      await SNAPSHOTS.put(name, value)
    }
    open.env = { ...open.env, SNAPSHOTS: { put } as unknown as KVNamespace }
  })
  return {
    all,
    of: (kind: 'snapshot' | 'access') => all.filter(({ name }) => name === kvNames[kind](environment)),
  }
}

async function alarmAt(environment: string): Promise<number | null> {
  return await runInDurableObject(stubOf(environment), (_, { storage }) => storage.getAlarm())
}

/** The tests cannot move the clock: what is stored grows older instead, and the alarm runs. */
async function ageKv(environment: string, byMs: number): Promise<void> {
  await runInDurableObject(stubOf(environment), (_, { storage }) => {
    storage.sql.exec('UPDATE kv SET not_before = not_before - ?', byMs)
  })
  await runDurableObjectAlarm(stubOf(environment))
}

function never(): never {
  throw new Error('it was recorded before')
}

async function readKv(kind: 'snapshot' | 'access', environment: string) {
  const value = await hubEnv.SNAPSHOTS.get(kvNames[kind](environment))
  return value === null ? null : parseKvValue(value)
}
