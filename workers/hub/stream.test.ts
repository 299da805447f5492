import { evictDurableObject } from 'cloudflare:test'
import { expect, test, vi } from 'vitest'
import {
  heartbeatSec,
  keyRefusedCode,
  pingText,
  pongText,
  streamProtocol,
} from '@halyard/shared/protocol/stream.ts'
import {
  beat,
  clientKey,
  interceptPushes,
  keys,
  open,
  patience,
  relayOf,
  request,
  serverKey,
  tokensOf,
} from './stream-kit.ts'
import { hubRead, newEnvironment, publicationOf, publish, stubOf, tablesOf } from './test-kit.ts'

test('a server stream begins with hello and the whole snapshot', async () => {
  const environment = newEnvironment()
  const { signedHead, body } = await publish(environment, 1, { keys })
  const stream = await open(environment, serverKey)
  expect(stream.protocol).toBe(streamProtocol)
  await stream.has(2)
  expect(stream.messages).toEqual([
    { kind: 'hello', signedHead, heartbeatSec },
    { kind: 'snapshot', signedHead, body },
  ])
})

test('a server stream that resumes is sent nothing at the head, deltas if they reach, else the snapshot', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const first = await open(environment, serverKey, { since: '1.1' })
  await publish(environment, 2, { keys })
  const { signedHead } = await publish(environment, 4, { keys })
  await first.has(3)
  const current = await open(environment, serverKey, { since: '1.4' })
  const late = await open(environment, serverKey, { since: '1.1' })
  const stranger = await open(environment, serverKey, { since: '1.3' })
  const garbled = await open(environment, serverKey, { since: 'yesterday' })
  await Promise.all([late.has(3), stranger.has(2), garbled.has(2)])
  expect(current.kinds()).toEqual(['hello'])
  expect(await tokensOf(late, 'hello')).toEqual(['1.4'])
  expect(late.messages.slice(1)).toEqual(first.messages.slice(1))
  expect(await tokensOf(late, 'delta')).toEqual(['1.2', '1.4'])
  expect(stranger.messages[1]).toMatchObject({ kind: 'snapshot', signedHead })
  expect(garbled.kinds()).toEqual(['hello', 'snapshot'])
})

test('a reader that holds what the relay does not hold yet makes it ask the hub first', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  await open(environment, serverKey)
  await interceptPushes(environment, async () => await Promise.reject(new Error('lost')))
  const { signedHead } = await publish(environment, 2, { keys })
  // A relay asks for the sake of readers four times a second at most.
  await vi.waitFor(async () => {
    const reader = await open(environment, serverKey, { since: '1.2' })
    expect(reader.messages).toEqual([{ kind: 'hello', signedHead, heartbeatSec }])
  }, patience)
})

test('a reader that holds what neither relay nor hub ever held begins with the snapshot', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  await open(environment, serverKey)
  const reader = await open(environment, serverKey, { since: '1.99' })
  await reader.has(2)
  expect(reader.kinds()).toEqual(['hello', 'snapshot'])
})

test('a publication is told to every class in its own words', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const [reader, page] = [
    await open(environment, serverKey, { since: '1.1' }),
    await open(environment, clientKey),
  ]
  const { signedHead, body } = await publish(environment, 2, {
    keys,
    body: `flag\tbig\t"${'x'.repeat(2_000_000)}"`,
  })
  await Promise.all([reader.has(2), page.has(2)])
  expect(reader.messages[1]).toEqual({ kind: 'snapshot', signedHead, body })
  expect(page.messages[1]).toEqual({ kind: 'changed', version: '1.2' })
})

test('after a snapshot comes a head at once, so that whoever has read it says so', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const reader = await open(environment, serverKey, { since: '1.1' })
  await publish(environment, 2, { keys, body: `flag\tbig\t"${'x'.repeat(2_000_000)}"` })
  await reader.has(3)
  expect(reader.kinds()).toEqual(['hello', 'snapshot', 'head'])
})

test('client streams hear nothing of a change that they cannot see', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys, clientHash: 'same' })
  const [reader, page] = [
    await open(environment, serverKey, { since: '1.1' }),
    await open(environment, clientKey),
  ]
  await publish(environment, 2, { keys, clientHash: 'same' })
  await reader.has(2)
  await beat(environment)
  await page.has(2)
  await publish(environment, 3, { keys, clientHash: 'other' })
  await Promise.all([reader.has(4), page.has(3)])
  expect(page.messages).toEqual([
    { kind: 'hello', version: '1.1', heartbeatSec },
    { kind: 'head', version: '1.1', confirmedAt: expect.any(Number) },
    { kind: 'changed', version: '1.3' },
  ])
})

test('a client stream that resumes before the last change that it can see is told at once, after it not', async () => {
  const environment = newEnvironment()
  await publish(environment, 2, { keys, clientHash: 'same' })
  await publish(environment, 3, { keys, clientHash: 'same' })
  const behind = await open(environment, clientKey, { since: '1.1' })
  const current = await open(environment, clientKey, { since: '1.2' })
  const ahead = await open(environment, clientKey, { since: '1.3' })
  await behind.has(2)
  expect(behind.messages[1]).toEqual({ kind: 'changed', version: '1.2' })
  expect([current.kinds(), ahead.kinds()]).toEqual([['hello'], ['hello']])
})

test('a refused publication is told to nobody', async () => {
  const environment = newEnvironment()
  await publish(environment, 2, { keys })
  const reader = await open(environment, serverKey, { since: '1.2' })
  await publish(environment, 1, { keys })
  await publish(environment, 3, { keys })
  await reader.has(2)
  expect(await tokensOf(reader, 'delta')).toEqual(['1.3'])
})

test('a version that changes the access record only is told as a delta of nothing', async () => {
  const environment = newEnvironment()
  const { body } = await publish(environment, 1, { keys })
  const reader = await open(environment, serverKey, { since: '1.1' })
  const { signedHead } = await publish(environment, 2, { keys: [serverKey], body })
  await reader.has(2)
  expect(reader.messages[1]).toMatchObject({ kind: 'delta', signedHead, set: [], remove: [], splice: [] })
})

test('the sockets of a revoked key are closed, and the others stay', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const [revoked, kept] = [
    await open(environment, serverKey, { since: '1.1' }),
    await open(environment, clientKey),
  ]
  await publish(environment, 2, { keys: [clientKey] })
  await vi.waitFor(() => expect(revoked.closeCode()).toBe(keyRefusedCode), patience)
  await kept.has(2)
  expect(revoked.kinds()).toEqual(['hello'])
  expect(kept.closeCode()).toBeNull()
})

test('a key that the record does not hold, or holds as another class, opens no stream', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys: [serverKey, { ...clientKey, expiresAt: Date.now() - 1 }] })
  const statusOf = async (key: Parameters<typeof request>[1]) => (await request(environment, key)).status
  expect(await statusOf({ id: 'key_x', class: 'server' })).toBe(401)
  expect(await statusOf({ id: serverKey.id, class: 'client' })).toBe(401)
  expect(await statusOf(clientKey)).toBe(401)
})

test('a request that is no upgrade is answered 426', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const url = `https://hub/stream?environment=${environment}&class=server&key=${serverKey.id}`
  expect((await hubRead.fetch(url)).status).toBe(426)
})

test('ping is answered, and anything else ends the stream', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const stream = await open(environment, serverKey, { since: '1.1' })
  stream.socket.send(pingText)
  await stream.has(2)
  expect(stream.messages[1]).toEqual(JSON.parse(pongText))
  stream.socket.send('{"kind":"evaluate"}')
  await vi.waitFor(() => expect(stream.closeCode()).toBe(1008), patience)
})

test('a reader that says goodbye is answered, so that its connection ends', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const stream = await open(environment, serverKey)
  stream.socket.close(1000, 'bye')
  await vi.waitFor(() => expect(stream.closeCode()).toBe(1000), patience)
})

test('sleeping objects keep their sockets, know whose they are, and answer ping', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const [reader, page] = [
    await open(environment, serverKey, { since: '1.1' }),
    await open(environment, clientKey),
  ]
  await evictDurableObject(relayOf(environment))
  await evictDurableObject(stubOf(environment))
  reader.socket.send(pingText)
  await reader.has(2)
  await publish(environment, 2, { keys: [serverKey] })
  await reader.has(3)
  expect(reader.kinds()).toEqual(['hello', 'pong', 'delta'])
  await vi.waitFor(() => expect(page.closeCode()).toBe(keyRefusedCode), patience)
})

test('the heartbeat says to servers what is head, to clients their version, and when that was', async () => {
  const environment = newEnvironment()
  const { signedHead } = await publish(environment, 1, { keys })
  const [reader, page] = [
    await open(environment, serverKey, { since: '1.1' }),
    await open(environment, clientKey),
  ]
  const before = Date.now()
  await beat(environment)
  await Promise.all([reader.has(2), page.has(2)])
  const confirmedAt = expect.toSatisfy((at) => at >= before && at <= Date.now())
  expect(reader.messages[1]).toEqual({ kind: 'head', signedHead, confirmedAt })
  expect(page.messages[1]).toEqual({ kind: 'head', version: '1.1', confirmedAt })
})

test('the heartbeat closes the sockets of a key that has expired', async () => {
  const environment = newEnvironment()
  const expiresAt = Date.now() + 300
  await publish(environment, 1, { keys: [{ ...serverKey, expiresAt }, clientKey] })
  const stream = await open(environment, serverKey, { since: '1.1' })
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(expiresAt), patience)
  await beat(environment)
  await vi.waitFor(() => expect(stream.closeCode()).toBe(keyRefusedCode), patience)
})

test('an environment that was never published has no streams, and its relay stores nothing', async () => {
  const environment = newEnvironment()
  expect((await request(environment, serverKey)).status).toBe(404)
  expect(await tablesOf(relayOf(environment))).toEqual([])
  expect(await tablesOf(stubOf(environment))).toEqual([])
})

test('a version published later is what a new stream begins with', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  await publish(environment, 2, { keys })
  const stream = await open(environment, serverKey)
  await stream.has(2)
  const { signedHead } = await publicationOf(environment, 2, { keys })
  expect(stream.messages[1]).toMatchObject({ signedHead })
})
