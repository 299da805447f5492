/** The server client through a proxy that breaks its connections: it never harms its host, and comes back. */
import { afterEach, expect, test } from 'vitest'
import { startEdgeKit, flagLine, type EdgeKit } from './edge.test-kit.ts'
import { startFaultyProxy, type Fault } from './faulty-proxy.test-kit.ts'
import { createClient } from './create-client.ts'
import { makeServerClient } from './make-server-client.ts'
import { checkServerOptions } from './server-options.ts'
import { makeServerPorts, type ServerPorts } from './server-ports.ts'

const closing: (() => unknown)[] = []
const unhandled: unknown[] = []
const hear = (cause: unknown) => unhandled.push(cause)
process.on('unhandledRejection', hear)

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close() // oxlint-disable-line no-await-in-loop -- clients first
  expect(unhandled).toEqual([])
})

/** Timers and their clock run so much faster: an hour of back-off is over soon. */
const haste = 50

function open(edge: string, key: string, ports: Partial<ServerPorts> = {}) {
  const settings = checkServerOptions({ edge, key })
  const real = makeServerPorts(edge, key)
  const client = makeServerClient(settings, {
    ...real,
    steadyNow: () => performance.now() * haste,
    setTimer: (ms, run) => real.setTimer(ms / haste, run),
    endRequests: () => {},
    ...ports,
  })
  closing.push(client.close)
  return client
}

async function start() {
  const edge = await startEdgeKit()
  closing.push(edge.close)
  await edge.publish([flagLine('a', true)])
  const proxy = await startFaultyProxy(edge.url)
  closing.push(proxy.close)
  return { edge, proxy }
}

const faults: readonly Fault[] = [
  { kind: 'latency', ms: 400 },
  { kind: 'reset' },
  { kind: 'status', status: 401 },
  { kind: 'status', status: 429, retryAfterSec: 20 },
  { kind: 'status', status: 500 },
  { kind: 'html' },
  { kind: 'truncate' },
  { kind: 'flip' },
  { kind: 'hang' },
]

test.each(faults)(
  'through %j the last values stay, and when it is over the client follows again',
  async (fault) => {
    const { edge, proxy } = await start()
    const client = open(proxy.url, edge.key)
    expect(await client.ready()).toBe(true)
    proxy.set(fault)
    const before = proxy.seen.length
    await edge.publish([flagLine('a', false)])
    await expect.poll(() => proxy.seen.length, { timeout: 20_000 }).toBeGreaterThan(before + 3)
    // What is late still comes; of what is broken nothing is taken.
    if (fault.kind !== 'latency') expect([client.boolean('a', false), client.version]).toEqual([true, '1.1'])
    client.track('during')
    await client.flush()
    proxy.set({ kind: 'none' })
    await expect.poll(() => client.boolean('a', true), { timeout: 25_000 }).toBe(false)
    await expect.poll(() => client.status().state, { timeout: 25_000 }).toBe('live')
  },
)

test.each(faults)(
  'a client that starts behind %j gives defaults, and has its flags when it is over',
  async (fault) => {
    const { edge, proxy } = await start()
    proxy.set(fault)
    const client = open(proxy.url, edge.key)
    const isReady = await client.ready({ timeoutMs: 100 })
    if (fault.kind !== 'latency') expect([isReady, client.boolean('a', false)]).toEqual([false, false])
    proxy.set({ kind: 'none' })
    await expect.poll(() => client.boolean('a', false), { timeout: 25_000 }).toBe(true)
  },
)

test('a key that is refused is said so, what is held stays, and nobody waits for more', async () => {
  const { edge, proxy } = await start()
  const client = open(proxy.url, edge.key)
  await client.ready()
  proxy.set({ kind: 'status', status: 401 })
  await expect
    .poll(() => client.status(), { timeout: 20_000 })
    .toMatchObject({ state: 'offline', error: expect.stringContaining('401: the key is unknown') })
  expect(client.boolean('a', false)).toBe(true)
  const late = open(proxy.url, edge.key)
  expect(await late.ready({ timeoutMs: 60_000 })).toBe(false)
})

test('the log says that a key is refused, and that an edge cannot be reached', async () => {
  const { edge, proxy } = await start()
  const lines: string[] = []
  const log = (level: string) => (message: string) => void lines.push(`${level} ${message}`)
  const logger = { debug: log('debug'), warn: log('warn'), error: log('error') }
  proxy.set({ kind: 'status', status: 401 })
  const refused = createClient({ edge: proxy.url, key: edge.key, logger })
  closing.push(refused.close)
  const said = (form: RegExp) =>
    expect.poll(() => lines, { timeout: 20_000 }).toContainEqual(expect.stringMatching(form))
  await said(/^error offline: there are no flags .*revoked/)
  const unreachable = createClient({ edge: 'http://127.0.0.1:9', key: edge.key, logger })
  closing.push(unreachable.close)
  await said(/^warn starting: there are no flags \(/)
})

test('when the stream cannot be had the client polls, and goes back to it when it can', async () => {
  const { edge, proxy } = await start()
  let isBroken = true
  const real = makeServerPorts(proxy.url, edge.key)
  const client = open(proxy.url, edge.key, {
    openStream: (since, hears) => {
      if (!isBroken) return real.openStream(since, hears)
      setImmediate(() => hears.ended({ reason: 'no way through for streams' }))
      return { send: () => {}, close: () => {} }
    },
  })
  await client.ready()
  await expect.poll(() => client.status()).toMatchObject({ state: 'polling', origin: 'poll' })
  await edge.publish([flagLine('a', false)])
  await expect.poll(() => client.boolean('a', true), { timeout: 10_000 }).toBe(false)
  isBroken = false
  await expect.poll(() => client.status().state, { timeout: 10_000 }).toBe('live')
})

test.each([10, -10])('a wall clock that jumps by %i hours stops nothing', async (hours) => {
  const { edge, proxy } = await start()
  let off = 0
  const client = open(proxy.url, edge.key, { now: () => Date.now() + off })
  await client.ready()
  off = hours * 3_600_000
  await follows(edge, client)
  proxy.set({ kind: 'reset' })
  proxy.set({ kind: 'none' })
  off = 0
  await follows(edge, client)
})

test.each([10, -10])(
  'a client that polls goes on to when the wall clock jumps by %i hours',
  async (hours) => {
    const { edge, proxy } = await start()
    let off = 0
    const client = open(proxy.url, edge.key, {
      now: () => Date.now() + off,
      openStream: (_, hears) => {
        setImmediate(() => hears.ended({ reason: 'no way through for streams' }))
        return { send: () => {}, close: () => {} }
      },
    })
    await client.ready()
    off = hours * 3_600_000
    await edge.publish([flagLine('a', false)])
    await expect.poll(() => client.boolean('a', true), { timeout: 15_000 }).toBe(false)
    expect(client.status().state).toBe('polling')
  },
)

test('a wall clock that is two days behind refuses what seems to come from the future, until it is right again', async () => {
  const { edge, proxy } = await start()
  let off = 0
  const client = open(proxy.url, edge.key, { now: () => Date.now() + off })
  await client.ready()
  off = -48 * 3_600_000
  await edge.publish([flagLine('a', false)])
  await expect.poll(() => proxy.seen.length, { timeout: 20_000 }).toBeGreaterThan(6)
  expect(client.boolean('a', false)).toBe(true)
  off = 0
  await expect.poll(() => client.boolean('a', true), { timeout: 20_000 }).toBe(false)
})

async function follows(edge: EdgeKit, client: ReturnType<typeof open>) {
  const version = await edge.publish([flagLine('a', true), flagLine(`at-${Math.random()}`, true)])
  await expect.poll(() => client.version, { timeout: 20_000 }).toBe(version)
  await expect.poll(() => client.status().state, { timeout: 20_000 }).toBe('live')
}
