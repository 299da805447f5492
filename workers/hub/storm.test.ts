import { runInDurableObject } from 'cloudflare:test'
import { afterEach, expect, test, vi } from 'vitest'
import { goawayCode, outstandingBytesMax, pingText, silenceMaxSec } from '@halyard/shared/protocol/stream.ts'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { clientSocketsMax, socketsMax } from './relay-core.ts'
import {
  beat,
  clientKey,
  keys,
  open,
  patience,
  relayOf,
  relaysOf,
  serverKey,
  tokensOf,
  type Stream,
} from './stream-kit.ts'
import type { StreamRelay } from './stream-relay.ts'
import { newEnvironment, publish } from './test-kit.ts'

afterEach(() => vi.restoreAllMocks())

test('a relay takes 5,000 sockets, 4,000 of clients, then says that it is full, and the next goes to another', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  await runInDurableObject(relayOf(environment), async (relay: StreamRelay) => {
    const fill = async (key: AccessKey, count: number) => {
      for (let opened = 0; opened < count; opened++) {
        const { webSocket } = await relay.fetch(upgrade(environment, key))
        webSocket?.accept()
      }
      const { status, headers } = await relay.fetch(upgrade(environment, key))
      expect([status, headers.get('Halyard-Relay')]).toEqual([503, 'full; shards=2'])
    }
    await fill(clientKey, clientSocketsMax)
    await fill(serverKey, socketsMax - clientSocketsMax)
  })
  const next = await open(environment, serverKey, { since: '1.1' })
  expect((await relaysOf(environment)).map(({ relay }) => relay)).toEqual(['weur/0', 'weur/1'])
  await publish(environment, 2, { keys })
  await next.has(2)
}, 60_000)

test('of many client streams at once those beyond what a relay takes in a second are told when to come back, and keep no server away', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const now = Date.now()
  vi.spyOn(Date, 'now').mockReturnValue(now)
  const waits: (string | null)[] = []
  const statuses = new Map<number, number>()
  await runInDurableObject(relayOf(environment), async (relay: StreamRelay) => {
    for (let asked = 0; asked < 5200; asked++) {
      const { status, headers } = await relay.fetch(upgrade(environment, { ...serverKey, class: 'client' }))
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status === 503) waits.push(headers.get('Retry-After'))
    }
    expect((await relay.fetch(upgrade(environment, serverKey))).status).toBe(101)
  })
  expect([...statuses]).toEqual([
    [401, 5000],
    [503, 200],
  ])
  expect([...new Set(waits)].toSorted()).toEqual(['1', '2', '3', '4', '5', '6'])
}, 60_000)

test('in a storm the body is read once, and every text is made once', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys, body: `flag\ta\t"${'x'.repeat(100_000)}"` })
  const { body } = await publish(environment, 2, { keys, body: `flag\ta\t"${'y'.repeat(100_000)}"` })
  await open(environment, serverKey, { since: '1.2' })
  const reads: string[] = []
  const made = vi.spyOn(JSON, 'stringify')
  await runInDurableObject(relayOf(environment), (_, { storage }) => {
    const exec = storage.sql.exec.bind(storage.sql)
    vi.spyOn(storage.sql, 'exec').mockImplementation((query, ...bindings) => {
      if (/FROM (content|deltas)/.test(query)) reads.push(query)
      return exec(query, ...bindings)
    })
  })
  const streams = await Promise.all(
    Array.from({ length: 200 }, (_, i) => open(environment, serverKey, i % 2 ? { since: '1.1' } : {})),
  )
  for (const stream of streams) await stream.has(2)
  const texts = made.mock.calls.filter(([value]) => (value as { body?: unknown } | undefined)?.body === body)
  expect(texts).toHaveLength(1)
  expect(reads.length).toBeLessThanOrEqual(4)
}, 20_000)

test('whatever version readers come from, every delta of the ring is made text of once', async () => {
  const environment = newEnvironment()
  for (let version = 1; version <= 12; version++) await publish(environment, version, { keys })
  await open(environment, serverKey, { since: '1.12' })
  // It has the ring only of what it was told itself.
  for (let version = 13; version <= 32; version++) await publish(environment, version, { keys })
  await vi.waitFor(async () => {
    const stream = await open(environment, serverKey, { since: '1.32' })
    expect(await tokensOf(stream, 'hello')).toEqual(['1.32'])
  }, patience)
  const made = vi.spyOn(JSON, 'stringify')
  for (let version = 12; version < 32; version++) {
    const stream = await open(environment, serverKey, { since: `1.${version}` })
    await stream.has(2)
  }
  const deltas = made.mock.calls.filter(
    ([value]) => (value as { kind?: unknown } | undefined)?.kind === 'delta',
  )
  expect(deltas).toHaveLength(20)
})

test('of what would be too much at once for all, some are sent it, the others come back spread over time', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys, body: `flag\ta\t"${'x'.repeat(1_000_000)}"` })
  const streams = await Promise.all(
    Array.from({ length: 40 }, () => open(environment, serverKey, { since: '1.1' })),
  )
  const page = await open(environment, clientKey)
  await publish(environment, 2, { keys, body: `flag\ta\t"${'y'.repeat(1_000_000)}"` })
  await page.has(2)
  await Promise.all(streams.map((stream) => stream.has(2)))
  const second = streams.map(({ messages }) => messages[1])
  const away = second.flatMap((message) => (message?.kind === 'goaway' ? [message.retryAfterMs] : []))
  expect(second.filter((message) => message?.kind === 'snapshot')).toHaveLength(33)
  expect(away).toHaveLength(7)
  expect(Math.min(...away)).toBeGreaterThanOrEqual(1000)
  expect(Math.max(...away)).toBeLessThanOrEqual(6000)
  expect(new Set(away).size).toBeGreaterThan(1)
  await vi.waitFor(
    () => expect(streams.filter((each) => each.closeCode() === goawayCode)).toHaveLength(7),
    patience,
  )
})

test('a reader that does not read is let go before 256 KiB wait for it, one that answers heads stays', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys, body: bodyAt(1) })
  const [slow, healthy] = [await open(environment, serverKey), answering(await open(environment, serverKey))]
  for (let version = 2; version <= 9; version++) {
    await publish(environment, version, { keys, body: bodyAt(version) })
    await vi.waitFor(() => expect(count(healthy, 'delta')).toBe(version - 1), patience)
    await vi.waitFor(() => expect(count(healthy, 'pong')).toBe(count(healthy, 'head')), patience)
  }
  await vi.waitFor(() => expect(slow.closeCode()).toBe(goawayCode), patience)
  expect(slow.messages.at(-1)).toEqual({ kind: 'goaway', retryAfterMs: expect.toSatisfy(isSpread) })
  const waiting = slow.sizes.slice(2).reduce((sum, bytes) => sum + bytes, 0)
  expect(waiting).toBeLessThan(outstandingBytesMax + 2 * 65_000)
  expect(waiting).toBeGreaterThan(outstandingBytesMax - 65_000)
  expect(healthy.closeCode()).toBeNull()
}, 20_000)

test('one long message makes nobody slow, and neither does what a stream begins with', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys, body: `flag\ta\t"${'x'.repeat(1_000_000)}"` })
  const stream = await open(environment, serverKey)
  await publish(environment, 2, { keys, body: `flag\ta\t"${'y'.repeat(1_000_000)}"` })
  await stream.has(4)
  await publish(environment, 3, { keys, body: `flag\ta\t"${'y'.repeat(1_000_000)}"\nflag\tb\t1` })
  await stream.has(5)
  expect(stream.kinds()).toEqual(['hello', 'snapshot', 'snapshot', 'head', 'delta'])
  expect(stream.closeCode()).toBeNull()
})

test('a reader that answers no head for a minute is let go, of either class, and one that does stays', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const silent = [await open(environment, serverKey, { since: '1.1' }), await open(environment, clientKey)]
  const answered = [await open(environment, serverKey, { since: '1.1' }), await open(environment, clientKey)]
  await beat(environment)
  await Promise.all([...silent, ...answered].map(async (stream) => await stream.has(2)))
  await passTime(environment, silenceMaxSec * 1000)
  for (const stream of answered) stream.socket.send(pingText)
  await Promise.all(answered.map(async (stream) => await stream.has(3)))
  await beat(environment)
  await vi.waitFor(
    () => expect(silent.map((each) => each.closeCode())).toEqual([goawayCode, goawayCode]),
    patience,
  )
  for (const { messages } of silent)
    expect(messages.at(-1)).toEqual({ kind: 'goaway', retryAfterMs: expect.toSatisfy(isSpread) })
  expect(answered.map((each) => each.closeCode())).toEqual([null, null])
})

test('nobody is called silent after a pause in which the relay sent no heads', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const stream = await open(environment, serverKey, { since: '1.1' })
  await passTime(environment, 10 * silenceMaxSec * 1000)
  await beat(environment)
  await beat(environment)
  await stream.has(3)
  expect(stream.kinds()).toEqual(['hello', 'head', 'head'])
  expect(stream.closeCode()).toBeNull()
})

/** What the relay is asked by the router; thousands of these go straight to it. */
function upgrade(environment: string, key: AccessKey): Request {
  const place = { environment, relay: 'weur/0', since: '1.1' }
  const query = new URLSearchParams({ ...place, class: key.class, key: key.id })
  return new Request(`https://hub/stream?${query}`, { headers: { Upgrade: 'websocket' } })
}

/** Each differs from the one before by some 60 KB. */
const bodyAt = (version: number) =>
  [`flag\ta\t"${String(version % 10).repeat(60_000)}"`, `flag\tb\t"${'b'.repeat(100_000)}"`].join('\n')

const isSpread = (ms: number) => ms % 1000 === 0 && ms >= 1000 && ms <= 30_000

const count = ({ messages }: Pick<Stream, 'messages'>, kind: string) =>
  messages.filter((each) => each.kind === kind).length

function answering(stream: Stream): Stream {
  stream.socket.addEventListener('message', ({ data }) => {
    if (String(data).startsWith('{"kind":"head"')) stream.socket.send(pingText)
  })
  return stream
}

/** Moves what the relay remembers of its sockets into the past, since the tests cannot move the clock. */
async function passTime(environment: string, ms: number) {
  await runInDurableObject(relayOf(environment), (_, ctx) => {
    ctx.storage.sql.exec('UPDATE sent SET at = at - ?', ms)
    for (const socket of ctx.getWebSockets()) {
      const { openedAt } = socket.deserializeAttachment() as { openedAt: number } // set when it was accepted
      socket.serializeAttachment({ openedAt: openedAt - ms })
    }
  })
}
