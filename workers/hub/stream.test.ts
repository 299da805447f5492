import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { expect, test, vi } from 'vitest'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import {
  heartbeatSec,
  keyRefusedCode,
  pingText,
  pongText,
  streamProtocol,
  type ServerMessage,
} from '@halyard/shared/protocol/stream.ts'
import { hubRead, newEnvironment, publicationOf, publish, stubOf } from './test-kit.ts'

const server: AccessKey = { id: 'key_s', hash: 's', class: 'server' }
const client: AccessKey = { id: 'key_c', hash: 'c', class: 'client' }
const keys = [server, client]
const patience = { timeout: 5000, interval: 10 }

test('a server stream begins with hello and the whole snapshot', async () => {
  const environment = newEnvironment()
  const { signedHead, body } = await publish(environment, 1, { keys })
  const stream = await open(environment, server)
  expect(stream.protocol).toBe(streamProtocol)
  await stream.has(2)
  expect(stream.messages).toEqual([
    { kind: 'hello', signedHead, heartbeatSec },
    { kind: 'snapshot', signedHead, body },
  ])
})

test('a server stream that resumes at the head is not sent the snapshot, one that is behind is', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const current = await open(environment, server, '1.1')
  const late = await open(environment, server, '1.0')
  await late.has(2)
  expect(late.kinds()).toEqual(['hello', 'snapshot'])
  expect(current.kinds()).toEqual(['hello'])
})

test('a publication is told to every class in its own words', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const [reader, page] = [await open(environment, server, '1.1'), await open(environment, client)]
  const { signedHead, body } = await publish(environment, 2, {
    keys,
    body: `flag\tbig\t"${'x'.repeat(2_000_000)}"`,
  })
  await Promise.all([reader.has(2), page.has(2)])
  expect(reader.messages[1]).toEqual({ kind: 'snapshot', signedHead, body })
  expect(page.messages[1]).toEqual({ kind: 'changed', version: '1.2' })
})

test('client streams hear nothing of a change that they cannot see', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys, clientHash: 'same' })
  const [reader, page] = [await open(environment, server, '1.1'), await open(environment, client)]
  await publish(environment, 2, { keys, clientHash: 'same' })
  await publish(environment, 3, { keys, clientHash: 'other' })
  await Promise.all([reader.has(3), page.has(2)])
  expect(page.messages.slice(1)).toEqual([{ kind: 'changed', version: '1.3' }])
})

test('a client stream that resumes behind the head is told at once', async () => {
  const environment = newEnvironment()
  await publish(environment, 2, { keys })
  const page = await open(environment, client, '1.1')
  await page.has(2)
  expect(page.messages[1]).toEqual({ kind: 'changed', version: '1.2' })
})

test('a refused publication is told to nobody', async () => {
  const environment = newEnvironment()
  await publish(environment, 2, { keys })
  const reader = await open(environment, server, '1.2')
  await publish(environment, 1, { keys })
  const { signedHead } = await publish(environment, 3, { keys })
  await reader.has(2)
  expect(reader.messages[1]).toMatchObject({ kind: 'snapshot', signedHead })
})

test('the sockets of a revoked key are closed, and the others stay', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const [revoked, kept] = [await open(environment, server, '1.1'), await open(environment, client)]
  await publish(environment, 2, { keys: [client] })
  await vi.waitFor(() => expect(revoked.closeCode()).toBe(keyRefusedCode), patience)
  await kept.has(2)
  expect(revoked.kinds()).toEqual(['hello'])
  expect(kept.closeCode()).toBeNull()
})

test('a key that the record does not hold, or holds as another class, opens no stream', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys: [server, { ...client, expiresAt: Date.now() - 1 }] })
  const statusOf = async (key: Pick<AccessKey, 'id' | 'class'>) => (await request(environment, key)).status
  expect(await statusOf({ id: 'key_x', class: 'server' })).toBe(401)
  expect(await statusOf({ id: server.id, class: 'client' })).toBe(401)
  expect(await statusOf(client)).toBe(401)
})

test('a request that is no upgrade is answered 426', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const url = `https://hub/stream?environment=${environment}&class=server&key=${server.id}`
  expect((await hubRead.fetch(url)).status).toBe(426)
})

test('ping is answered, and anything else ends the stream', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const stream = await open(environment, server, '1.1')
  stream.socket.send(pingText)
  await stream.has(2)
  expect(stream.messages[1]).toEqual(JSON.parse(pongText))
  stream.socket.send('{"kind":"evaluate"}')
  await vi.waitFor(() => expect(stream.closeCode()).toBe(1008), patience)
})

test('a sleeping object keeps its sockets, knows whose they are, and answers ping', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const [reader, page] = [await open(environment, server, '1.1'), await open(environment, client)]
  await evictDurableObject(stubOf(environment))
  reader.socket.send(pingText)
  await reader.has(2)
  await publish(environment, 2, { keys: [server] })
  await reader.has(3)
  expect(reader.kinds()).toEqual(['hello', 'pong', 'snapshot'])
  await vi.waitFor(() => expect(page.closeCode()).toBe(keyRefusedCode), patience)
})

test('while sockets exist the heartbeat says what is head, and when that was', async () => {
  const environment = newEnvironment()
  const { signedHead } = await publish(environment, 1, { keys })
  const [reader, page] = [await open(environment, server, '1.1'), await open(environment, client)]
  const before = Date.now()
  await makeHeartbeatDue(environment)
  await Promise.all([reader.has(2), page.has(2)])
  for (const { messages } of [reader, page]) {
    expect(messages[1]).toEqual({ kind: 'head', signedHead, confirmedAt: expect.any(Number) })
  }
  const beat = reader.messages[1]
  expect(beat?.kind === 'head' && beat.confirmedAt).toBeGreaterThanOrEqual(before)
  expect(await heartbeatDueAt(environment)).toBeGreaterThanOrEqual(before + heartbeatSec * 1000)
})

test('the heartbeat ends with the last socket and begins again with the next', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const stream = await open(environment, server, '1.1')
  stream.socket.close(1000)
  await vi.waitFor(async () => {
    expect(await runInDurableObject(stubOf(environment), (_, ctx) => ctx.getWebSockets())).toHaveLength(0)
  }, patience)
  await makeHeartbeatDue(environment)
  expect(await heartbeatDueAt(environment)).toBeNull()
  await open(environment, server, '1.1')
  expect(await heartbeatDueAt(environment)).toBeGreaterThan(Date.now())
})

test('the heartbeat closes the sockets of a key that has expired', async () => {
  const environment = newEnvironment()
  const expiresAt = Date.now() + 300
  await publish(environment, 1, { keys: [{ ...server, expiresAt }, client] })
  const stream = await open(environment, server, '1.1')
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(expiresAt), patience)
  await makeHeartbeatDue(environment)
  await vi.waitFor(() => expect(stream.closeCode()).toBe(keyRefusedCode), patience)
})

test('a version published later is what a new stream begins with', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  await publish(environment, 2, { keys })
  const stream = await open(environment, server)
  await stream.has(2)
  const { signedHead } = await publicationOf(environment, 2, { keys })
  expect(stream.messages[1]).toMatchObject({ signedHead })
})

async function request(environment: string, key: Pick<AccessKey, 'id' | 'class'>, since?: string) {
  const query = new URLSearchParams({ environment, class: key.class, key: key.id, ...(since && { since }) })
  return await hubRead.fetch(`https://hub/stream?${query}`, { headers: { Upgrade: 'websocket' } })
}

async function open(environment: string, key: AccessKey, since?: string) {
  const { webSocket: socket, headers } = await request(environment, key, since)
  if (!socket) throw new Error('no socket')
  const messages: ServerMessage[] = []
  let closed: number | null = null
  socket.addEventListener('message', ({ data }) => {
    messages.push(JSON.parse(String(data)))
  })
  socket.addEventListener('close', ({ code }) => {
    closed = code
  })
  socket.accept()
  const has = (count: number) =>
    vi.waitFor(() => expect(messages.length).toBeGreaterThanOrEqual(count), patience)
  await has(1)
  return {
    socket,
    messages,
    has,
    protocol: headers.get('Sec-WebSocket-Protocol'),
    kinds: () => messages.map(({ kind }) => kind),
    closeCode: () => closed,
  }
}

/** Moves the due time, since the tests cannot move the clock, and runs the alarm. */
async function makeHeartbeatDue(environment: string) {
  await runInDurableObject(stubOf(environment), async (_, { storage }) => {
    storage.sql.exec('UPDATE heartbeat SET due_at = ?', Date.now())
    await storage.setAlarm(Date.now() + 60_000)
  })
  await runDurableObjectAlarm(stubOf(environment))
}

async function heartbeatDueAt(environment: string) {
  return await runInDurableObject(stubOf(environment), (_, { storage }) => {
    const [row] = storage.sql.exec<{ due_at: number }>('SELECT due_at FROM heartbeat').toArray()
    return row ? row.due_at : null
  })
}
