import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, expect, test, vi } from 'vitest'
import {
  beat,
  beatCutOff,
  clientKey,
  cutOff,
  interceptPushes,
  keys,
  open,
  patience,
  relayOf,
  relaysOf,
  request,
  serverKey,
  timesOf,
  tokensOf,
} from './stream-kit.ts'
import type { RelayUpdate } from './relay-wire.ts'
import { release } from './release.ts'
import type { StreamRelay } from './stream-relay.ts'
import { newEnvironment, publish, stubOf, tablesOf } from './test-kit.ts'

afterEach(() => vi.restoreAllMocks())

const dayMs = 86_400_000

const lost = async () => await Promise.reject(new Error('lost'))

test('a relay is known to the hub from its first socket to its last, and beats as long', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const stream = await open(environment, serverKey, { since: '1.1' })
  expect(await relaysOf(environment)).toEqual([{ relay: 'weur/0', sockets: 1 }])
  await beat(environment)
  expect((await timesOf(environment))?.ask_at).toBeGreaterThan(Date.now() + 10_000)
  stream.socket.close(1000)
  await vi.waitFor(async () => {
    await beat(environment)
    expect(await relaysOf(environment)).toEqual([])
  }, patience)
  expect((await timesOf(environment))?.ask_at).toBeNull()
  await open(environment, serverKey, { since: '1.1' })
  expect(await relaysOf(environment)).toEqual([{ relay: 'weur/0', sockets: 1 }])
})

test('a leave that arrives late does not strike off a relay that was heard since', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const beat = { relay: 'weur/0', held: {} }
  const at = Date.now()
  await stubOf(environment).beat({ ...beat, sockets: 1, sentAt: at })
  await stubOf(environment).beat({ ...beat, sockets: 0, sentAt: at - 1 })
  expect(await relaysOf(environment)).toHaveLength(1)
  await stubOf(environment).beat({ ...beat, sockets: 0, sentAt: at + 1 })
  expect(await relaysOf(environment)).toEqual([])
})

test('every region has relays of its own, and a stream that names none is in weur', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const streams = [
    await open(environment, serverKey, { since: '1.1', region: 'oc' }),
    await open(environment, serverKey, { since: '1.1', region: 'moon' }),
  ]
  expect((await relaysOf(environment)).map(({ relay }) => relay)).toEqual(['oc/0', 'weur/0'])
  await publish(environment, 2, { keys })
  await Promise.all(streams.map(async (stream) => await stream.has(2)))
})

test('the hub forgets a relay that it has not heard of for a minute', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const stream = await open(environment, serverKey, { since: '1.1' })
  await runInDurableObject(stubOf(environment), (_, { storage }) => {
    storage.sql.exec('UPDATE relays SET heard_at = ?', Date.now() - 61_000)
  })
  await publish(environment, 2, { keys })
  expect(await relaysOf(environment)).toEqual([])
  await beat(environment)
  await stream.has(3)
  expect(stream.kinds()).toEqual(['hello', 'delta', 'head'])
  expect(await relaysOf(environment)).toHaveLength(1)
})

test('a relay that is cut off from the hub does not pass an old head off as fresh', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const [stream, page] = [
    await open(environment, serverKey, { since: '1.1' }),
    await open(environment, clientKey),
  ]
  await beat(environment)
  await stream.has(2)
  const before = await timesOf(environment)
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  for (const failures of [1, 2, 3, 4, 5, 6]) {
    await beatCutOff(environment, lost)
    const { ask_at: askAt } = (await timesOf(environment)) ?? {}
    expect((askAt ?? Infinity) - Date.now()).toBeLessThanOrEqual(Math.min(1000 * 2 ** (failures - 1), 15_000))
  }
  await Promise.all([stream.has(8), page.has(8)])
  for (const { messages } of [stream, page]) {
    const confirmations = messages.flatMap((each) => (each.kind === 'head' ? [each.confirmedAt] : []))
    expect(confirmations).toEqual(Array(7).fill(before?.confirmed_at))
  }
  const { signedHead } = await publish(environment, 2, { keys })
  await stream.has(9)
  await beat(environment)
  await stream.has(10)
  expect(stream.messages[9]).toMatchObject({ kind: 'head', signedHead })
  expect((await timesOf(environment))?.failures).toBe(0)
})

test('a hub that answers with less than the relay holds confirms nothing', async () => {
  const environment = newEnvironment()
  const { signedHead: older } = await publish(environment, 1, { keys })
  const { signedHead } = await publish(environment, 2, { keys })
  const stream = await open(environment, serverKey, { since: '1.2' })
  await beat(environment)
  await stream.has(2)
  const before = await timesOf(environment)
  await beatCutOff(environment, async () => ({ signedHead: older, confirmedAt: Date.now() + 5000 }))
  await stream.has(3)
  expect(stream.messages[2]).toEqual({ kind: 'head', signedHead, confirmedAt: before?.confirmed_at })
})

test('a relay that cannot reach the hub serves what it has stored, and without that says when to come back', async () => {
  const environment = newEnvironment()
  const { signedHead, body } = await publish(environment, 1, { keys })
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  await cutOff(environment, lost)
  const refused = await request(environment, serverKey)
  expect(refused.status).toBe(503)
  expect(refused.headers.get('Retry-After')).toMatch(/^[1-5]$/)
  await refused.text()
  await evictDurableObject(relayOf(environment))
  const first = await open(environment, serverKey)
  first.socket.close(1000)
  await vi.waitFor(async () => {
    await beat(environment)
    expect((await timesOf(environment))?.ask_at).toBeNull()
  }, patience)
  const held = await timesOf(environment)
  await cutOff(environment, lost)
  const stream = await open(environment, serverKey)
  await stream.has(2)
  expect(stream.messages[1]).toEqual({ kind: 'snapshot', signedHead, body })
  expect(await timesOf(environment)).toMatchObject({ confirmed_at: held?.confirmed_at, failures: 1 })
})

test('a key that the relay has not heard of is not refused before the hub was asked', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys: [serverKey] })
  await open(environment, serverKey)
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  await interceptPushes(environment, lost)
  await publish(environment, 2, { keys })
  const statuses = new Set<number>()
  await vi.waitFor(async () => {
    const { status } = await request(environment, clientKey)
    statuses.add(status)
    expect(status).toBe(101)
  }, patience)
  expect(statuses).not.toContain(401)
  await cutOff(environment, lost)
  await vi.waitFor(async () => {
    expect((await request(environment, { id: 'key_x', class: 'server' })).status).toBe(503)
    expect((await timesOf(environment))?.failures).toBeGreaterThan(0)
  }, patience)
})

test('a key is not refused for an answer that is older than the question', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys: [serverKey] })
  await open(environment, serverKey, { since: '1.1' })
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  await interceptPushes(environment, lost)
  const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  await cutOff(environment, async (beat) => {
    const update = (await release(stubOf(environment).beat(beat))) as unknown as RelayUpdate // RPC forgets what a tuple is
    asked.resolve()
    await answer.promise
    return update
  })
  const curious = open(environment, serverKey, { since: '1.9' })
  await asked.promise
  await publish(environment, 2, { keys })
  const statuses = await runInDurableObject(relayOf(environment), async (relay: StreamRelay) => {
    const opened = [clientKey, clientKey, { id: 'key_x', class: 'server' }].map((key) => {
      const query = new URLSearchParams({ environment, relay: 'weur/0', key: key.id, class: key.class })
      return relay.fetch(new Request(`https://hub/stream?${query}`, { headers: { Upgrade: 'websocket' } }))
    })
    answer.resolve()
    return (await Promise.all(opened)).map(({ status }) => status)
  })
  expect(statuses).toEqual([101, 101, 401])
  await curious
})

test('a relay that nobody listened to for a day drops its replica, and begins anew for its next reader', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const first = await open(environment, serverKey)
  first.socket.close(1000)
  await vi.waitFor(async () => {
    await beat(environment)
    expect((await timesOf(environment))?.ask_at).toBeNull()
  }, patience)
  const stub = relayOf(environment)
  const alarmAt = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())
  expect(alarmAt).toBeGreaterThan(Date.now() + dayMs - 60_000)
  await runDurableObjectAlarm(stub)
  expect(await tablesOf(stub)).not.toEqual([])
  await runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec('UPDATE times SET head_at = head_at - ?', dayMs)
  })
  await evictDurableObject(stub)
  await runDurableObjectAlarm(stub)
  expect(await tablesOf(stub)).toEqual([])
  const second = await open(environment, serverKey)
  await second.has(2)
  await publish(environment, 2, { keys })
  await second.has(3)
  expect(second.kinds()).toEqual(['hello', 'snapshot', 'delta'])
})

test('a relay that nobody listens to wants no pushes, and is brought up to date by its next reader', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const first = await open(environment, serverKey)
  first.socket.close(1000)
  await vi.waitFor(async () => {
    await beat(environment)
    expect((await timesOf(environment))?.ask_at).toBeNull()
  }, patience)
  const { signedHead } = await publish(environment, 2, { keys })
  expect(await relayOf(environment).push({ signedHead, confirmedAt: 0 })).toBeNull()
  const second = await open(environment, serverKey, { since: '1.1' })
  await second.has(2)
  expect(await tokensOf(second, 'delta')).toEqual(['1.2'])
})
