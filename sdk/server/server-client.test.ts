/** The server client over real sockets and files, before an edge that serves what it is given. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { sealBlob, fingerprintOf } from '@halyard/shared/engine/blob.ts'
import { formatLine } from '@halyard/shared/engine/snapshot.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import type { FlagChange } from '../client/flag-client.ts'
import { startEdgeKit, flagLine } from './edge.test-kit.ts'
import { createClient, fileStore, type ServerClient, type ServerOptions } from './index.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  vi.unstubAllGlobals()
  for (const close of closing.splice(0).toReversed()) await close() // oxlint-disable-line no-await-in-loop -- clients first
})

async function startEdge() {
  const edge = await startEdgeKit()
  closing.push(edge.close)
  return edge
}

function open(options: ServerOptions): ServerClient {
  const client = createClient(options)
  closing.push(client.close)
  return client
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-sdk-'))
  closing.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a client evaluates what its edge holds, and hears of each change which flags may answer otherwise', async () => {
  const edge = await startEdge()
  await edge.publish([flagLine('a', true), flagLine('b', false)])
  const client = open({ edge: edge.url, key: edge.key })
  expect(client.boolean('a', false)).toBe(false)
  expect(client.booleanDetails('a', true)).toMatchObject({ value: true, errorCode: 'PROVIDER_NOT_READY' })
  expect(await client.ready()).toBe(true)
  expect([client.boolean('a', false), client.boolean('b', true), client.version]).toEqual([
    true,
    false,
    '1.1',
  ])
  await expect.poll(() => client.status()).toMatchObject({ state: 'live', origin: 'stream', version: '1.1' })
  const changes: FlagChange[] = []
  client.on('change', (change) => changes.push(change))
  await edge.publish([flagLine('a', true), flagLine('b', true)])
  await expect.poll(() => client.boolean('b', false)).toBe(true)
  expect(changes).toEqual([{ version: '1.2', flags: ['b'] }])
})

test('where the WebSocket takes no header, the stream is Server-Sent Events', async () => {
  vi.stubGlobal('WebSocket', undefined)
  const edge = await startEdge()
  await edge.publish([flagLine('a', false)])
  const client = open({ edge: edge.url, key: edge.key })
  expect(await client.ready()).toBe(true)
  await edge.publish([flagLine('a', true)])
  await expect.poll(() => client.boolean('a', false)).toBe(true)
  expect(client.status()).toMatchObject({ state: 'live', origin: 'stream' })
  expect(edge.seen.filter((what) => what.includes('/v1/stream'))).toEqual(['GET /v1/stream'])
})

test('a WebSocket that never looks at the headers is not used', async () => {
  const made: string[] = []
  vi.stubGlobal(
    'WebSocket',
    class extends EventTarget {
      constructor(url: URL) {
        super()
        made.push(url.protocol)
      }
      close() {}
    },
  )
  const edge = await startEdge()
  await edge.publish([flagLine('a', true)])
  const client = open({ edge: edge.url, key: edge.key })
  expect(await client.ready()).toBe(true)
  expect(client.status().origin).toBe('stream')
  expect(made).toEqual(['ws:'])
})

test('after a restart with everything dead the last flags are there, by the keys that were kept with them', async () => {
  const edge = await startEdgeKit()
  await edge.publish([flagLine('a', true)])
  const store = fileStore(join(newFolder(), 'deep', 'flags.json'))
  const first = createClient({ edge: edge.url, key: edge.key, store })
  await first.ready()
  await first.close()
  await edge.close()
  const client = open({ edge: edge.url, key: edge.key, store })
  expect(await client.ready()).toBe(true)
  expect(client.boolean('a', false)).toBe(true)
  expect(client.status()).toMatchObject({ state: 'offline', origin: 'store', version: '1.1', ageMs: null })
  await expect.poll(() => client.status().error).toBeDefined()
})

test('a client starts from the text that another exported, and goes on from there by deltas', async () => {
  const edge = await startEdge()
  await edge.publish([flagLine('a', true)])
  const first = open({ edge: edge.url, key: edge.key, trustedKeys: [edge.publicJwk] })
  await first.ready()
  const bootstrap = first.export() ?? ''
  const client = open({ edge: edge.url, key: edge.key, trustedKeys: [edge.publicJwk], bootstrap })
  expect(await client.ready()).toBe(true)
  expect(client.status()).toMatchObject({ origin: 'bootstrap' })
  await expect.poll(() => client.status().state).toBe('live')
  expect(edge.seen).toContain('UPGRADE /v1/stream?since=1.1')
})

test.each([
  ['that is damaged', (text: string) => text.replace('fallthrough', 'falltrough')],
  ['that is cut short', (text: string) => text.slice(0, -20)],
  ['that is empty', () => ''],
])('a kept copy %s is not used, and is said so', async (_, damage) => {
  const edge = await startEdge()
  await edge.publish([flagLine('a', true)])
  const first = open({ edge: edge.url, key: edge.key })
  await first.ready()
  const bootstrap = damage(first.export() ?? '')
  await first.close()
  const warnings: string[] = []
  const logger = { debug: () => {}, warn: (what: string) => warnings.push(what), error: () => {} }
  const client = open({ edge: 'http://127.0.0.1:9', key: edge.key, bootstrap, logger })
  await expect.poll(() => warnings.some((what) => what.includes('from bootstrap are not used'))).toBe(true)
  expect(client.version).toBe(null)
})

test('keys that were given are the only ones: what the edge or a kept copy names does not count', async () => {
  const [edge, other] = await Promise.all([startEdge(), startEdge()])
  await edge.publish([flagLine('a', true)])
  const unpinned = open({ edge: edge.url, key: edge.key })
  await unpinned.ready()
  const bootstrap = unpinned.export() ?? ''
  const client = open({ edge: edge.url, key: edge.key, bootstrap, trustedKeys: [other.publicJwk] })
  expect(await client.ready({ timeoutMs: 300 })).toBe(false)
  expect(client.status().state).toBe('starting')
})

test('an older copy never takes the place of a newer one', async () => {
  const edge = await startEdge()
  await edge.publish([flagLine('a', true)])
  const first = open({ edge: edge.url, key: edge.key })
  await first.ready()
  const old = first.export() ?? ''
  await edge.publish([flagLine('a', false)])
  await expect.poll(() => first.version).toBe('1.2')
  const bootstrap = first.export() ?? ''
  const store = { load: async () => old, save: async () => {} }
  const client = open({ edge: 'http://127.0.0.1:9', key: edge.key, bootstrap, store })
  const versions: (string | null)[] = []
  client.on('change', ({ version }) => versions.push(version))
  await client.ready()
  await expect.poll(() => client.status().error).toBeDefined() // the store had its turn before
  expect(versions).toEqual(['1.2'])
})

test('a snapshot is one version, whatever comes; its context lies below that of each call', async () => {
  const edge = await startEdge()
  const when = { attribute: 'plan', op: 'eq' as const, value: 'pro' }
  await edge.publish([flagLine('a', true, { rules: [{ id: 'r', when, serve: { variant: 'off' } }] })])
  const client = open({ edge: edge.url, key: edge.key })
  await client.ready()
  const request = client.snapshot({ plan: 'pro' })
  expect([request.boolean('a', true), request.boolean('a', false, { plan: 'free' })]).toEqual([false, true])
  await edge.publish([flagLine('a', false)])
  await expect.poll(() => client.boolean('a', true, { plan: 'free' })).toBe(false)
  expect([request.version, request.boolean('a', false, { plan: 'free' })]).toEqual(['1.1', true])
})

test('evaluations of all versions and what was tracked are sent once, summed up', async () => {
  const edge = await startEdge()
  await edge.publish([flagLine('a', true)])
  const client = open({ edge: edge.url, key: edge.key })
  await client.ready()
  const request = client.snapshot()
  client.isEnabled('a')
  await edge.publish([flagLine('a', false)])
  await expect.poll(() => client.version).toBe('1.2')
  client.boolean('a', true)
  client.stringDetails('a' as never, 'x')
  request.boolean('a', false)
  client.boolean('none' as never, true)
  client.track('sign-up', { targetingKey: 'u' }, { value: 2 })
  client.track('sign-up', { targetingKey: 'v' }, { value: 0.5 })
  client.track('not a name')
  await client.flush()
  await client.close()
  expect(edge.batches).toHaveLength(1)
  const events = edge.batches[0]?.events.map(({ from: _from, to: _to, ...event }) => event)
  expect(events).toEqual([
    { kind: 'metric', name: 'sign-up', count: 2, sum: 2.5 },
    { kind: 'evaluations', flag: 'a', variant: 'on', count: 2 },
    { kind: 'evaluations', flag: 'a', variant: 'off', count: 2 },
  ])
})

test('a closed client goes on to answer with what it holds, and follows nothing', async () => {
  const edge = await startEdge()
  await edge.publish([flagLine('a', true)])
  const client = open({ edge: edge.url, key: edge.key })
  await client.ready()
  await client.close()
  await client.close()
  await edge.publish([flagLine('a', false)])
  expect([client.boolean('a', false), client.status().state, await client.ready()]).toEqual([
    true,
    'closed',
    true,
  ])
})

test('a listener that throws or rejects, or a logger that throws, harms nobody', async () => {
  const edge = await startEdge()
  await edge.publish([flagLine('a', true)])
  const client = open({ edge: edge.url, key: edge.key, logger: { debug: fail, warn: fail, error: fail } })
  const heard: string[] = []
  client.on('change', fail)
  client.on('change', async () => fail())
  client.on('change', ({ flags }) => heard.push(...flags))
  expect(await client.ready()).toBe(true)
  expect(heard).toEqual(['a'])
})

test('a list of a large segment is fetched once, kept from version to version, and kept for a start without the edge', async () => {
  const edge = await startEdgeKit()
  const { bytes, lines } = await segmentOf(['user-1', 'user-2'])
  edge.blobs.set(await sha256Hex(bytes), bytes)
  await edge.publish([...lines, flagLine('b', false)])
  const store = fileStore(join(newFolder(), 'flags.json'))
  const first = createClient({ edge: edge.url, key: edge.key, store })
  await first.ready()
  expect(answersOf(first)).toEqual([true, false])
  await edge.publish([...lines, flagLine('b', true)])
  await expect.poll(() => first.boolean('b', false)).toBe(true)
  expect(answersOf(first)).toEqual([true, false])
  expect(edge.seen.filter((what) => what.startsWith('GET /v1/blobs/'))).toHaveLength(1)
  await first.close()
  await edge.close()
  const client = open({ edge: edge.url, key: edge.key, store })
  expect(await client.ready()).toBe(true)
  expect(answersOf(client)).toEqual([true, false])
})

test('the values for a browser are those of client-visible flags alone, without rules', async () => {
  const edge = await startEdge()
  await edge.publish([
    flagLine('a', true),
    flagLine('hidden', true, { clientVisible: false }),
    'flag\tbroken\t{',
  ])
  const client = open({ edge: edge.url, key: edge.key })
  await client.ready()
  expect(JSON.parse(JSON.stringify(client.forBrowser({ targetingKey: 'u' })))).toEqual({
    version: '1.1',
    targetingKey: 'u',
    flags: { a: { value: true, variant: 'on', reason: 'STATIC' } },
  })
})

function fail(): never {
  throw new Error('mine')
}

function answersOf(client: ServerClient): readonly boolean[] {
  return ['user-1', 'user-3'].map((targetingKey) => client.boolean('a', false, { targetingKey }))
}

async function segmentOf(ids: readonly string[]) {
  const prints = ids.map(fingerprintOf)
  const bytes = sealBlob(
    Uint32Array.from(prints, ({ high }) => high),
    Uint32Array.from(prints, ({ low }) => low),
    ids.length,
  )
  const members = { hash: await sha256Hex(bytes), count: ids.length, added: [], removed: [] }
  const segment = { attribute: 'targetingKey', include: [], exclude: [], members }
  const rules = [{ id: 'r', when: { segment: 'vip' }, serve: { variant: 'on' } }]
  return {
    bytes,
    lines: [flagLine('a', false, { rules }), formatLine('segment', 'vip', JSON.stringify(segment))],
  }
}
