/** When the client asks the edge: by a clock that the test sets. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { FlagConfig } from '@halyard/shared/engine/model.ts'
import { formatLine } from '@halyard/shared/engine/snapshot.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { checkServerOptions } from '../server/server-options.ts'
import { flagLine, startEdgeKit } from '../server/edge.test-kit.ts'
import { makeServerPorts } from '../server/server-ports.ts'
import { parseCopy } from '../sync/saved-copy.ts'
import { makeWorkersClient, type WorkersPorts } from './make-workers-client.ts'

const never = () => new Promise<never>(() => {})

/** An edge with a flag, a clock to set, what clients do behind answers, and the clients. */
async function openEdge() {
  const edge = await startEdgeKit()
  onTestFinished(edge.close)
  await edge.publish([flagLine('checkout', true)])
  let now = Date.now()
  const behind: Promise<unknown>[] = []
  const serverPorts = makeServerPorts(edge.url, edge.key)
  return {
    edge,
    serverPorts,
    behind,
    make: (ports: Partial<WorkersPorts> = {}) =>
      makeWorkersClient(checkServerOptions({ edge: edge.url, key: edge.key }), {
        ...serverPorts,
        now: () => now,
        waitUntil: (work) => void behind.push(work),
        readCopy: async () => null,
        writeCopy: async () => {},
        ...ports,
      }),
    pass: (ms: number) => {
      now += ms
    },
    now: () => now,
    settled: () => Promise.all(behind.splice(0)),
  }
}

/** And a client that has its flags. */
async function openClient(ports: Partial<WorkersPorts> = {}) {
  const opened = await openEdge()
  const client = opened.make(ports)
  expect(await client.ready()).toBe(true)
  return { ...opened, client }
}

/** A flag for the members of a list, and the segment that names the list. */
function listLines(hash: string): readonly string[] {
  const rules: FlagConfig['rules'] = [{ id: 'r', when: { segment: 's' }, serve: { variant: 'on' } }]
  const members = { hash, count: 1, added: [], removed: [] }
  const segment = { attribute: 'targetingKey', include: [], exclude: [], members }
  return [flagLine('vip', false, { rules }), formatLine('segment', 's', JSON.stringify(segment))]
}

test('what is younger than ten seconds is used without a question', async () => {
  const { edge, client, pass, settled } = await openClient()
  await settled()
  const asked = edge.seen.length
  pass(8_000)
  await client.ready()
  client.snapshot()
  await settled()
  expect(edge.seen).toHaveLength(asked)
})

test('what is younger than a minute is used, and the edge asked behind the answer', async () => {
  const { edge, client, pass, settled } = await openClient()
  await edge.publish([flagLine('checkout', false)])
  pass(12_000)
  await client.ready()
  expect(client.snapshot().boolean('checkout', false)).toBe(true)
  await settled()
  expect(client.snapshot().boolean('checkout', true)).toBe(false)
})

test('what is older is confirmed before it is used', async () => {
  const { edge, client, pass } = await openClient()
  await edge.publish([flagLine('checkout', false)])
  pass(61_000)
  expect(client.status().state).toBe('stale')
  await client.ready()
  expect(client.snapshot().boolean('checkout', true)).toBe(false)
  expect(client.status().state).toBe('polling')
})

test('a request keeps its version while another brings a newer one, and listeners hear which flags changed', async () => {
  const { edge, client, pass, settled } = await openClient()
  const heard: string[] = []
  client.on('change', ({ flags }) => heard.push(...flags))
  const flags = client.snapshot()
  await edge.publish([flagLine('checkout', false)])
  pass(12_000)
  client.snapshot()
  await settled()
  expect([flags.boolean('checkout', false), client.boolean('checkout', true)]).toEqual([true, false])
  expect(heard).toEqual(['checkout'])
})

test('counts are sent once a minute, behind an answer', async () => {
  const { edge, client, pass, settled } = await openClient()
  client.snapshot().boolean('checkout', false)
  await settled()
  expect(edge.batches).toEqual([])
  pass(61_000)
  client.snapshot()
  await settled()
  expect(edge.batches[0]?.events).toEqual([
    expect.objectContaining({ flag: 'checkout', variant: 'on', count: 1 }),
  ])
})

test('whoever calls ready alone sends counts too', async () => {
  const { edge, client, pass, settled } = await openClient()
  client.boolean('checkout', false)
  pass(61_000)
  await client.ready()
  await settled()
  expect(edge.batches.flatMap(({ events }) => events)).toEqual([
    expect.objectContaining({ flag: 'checkout', variant: 'on', count: 1 }),
  ])
})

test('a flush goes on behind the answer, and one that never ends holds up no later one', async () => {
  const opened = await openEdge()
  const post = vi.fn(opened.serverPorts.post).mockImplementationOnce(never)
  const client = opened.make({ post })
  await client.ready()
  client.boolean('checkout', false)
  opened.behind.splice(0)
  void client.flush()
  expect(opened.behind).toHaveLength(1)
  await expect.poll(() => post.mock.calls.length).toBe(1)
  opened.pass(20_000)
  client.boolean('checkout', false)
  await client.flush()
  expect(opened.edge.batches).toHaveLength(1)
})

test('after a start without the edge snapshot alone brings flags', async () => {
  let isWell = false
  const { make, serverPorts, pass, settled } = await openEdge()
  const client = make({
    fetchRuleset: async (asked) =>
      isWell ? await serverPorts.fetchRuleset(asked) : { kind: 'failed', reason: 'it is gone' },
  })
  expect(await client.ready()).toBe(false)
  isWell = true
  pass(2_000)
  client.snapshot()
  await settled()
  expect(client.snapshot().boolean('checkout', false)).toBe(true)
})

test('the first flags are waited for no longer than was said, whatever is silent', async () => {
  const { make, pass } = await openEdge()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const told: boolean[] = []
  const client = make({ readCopy: never, fetchRuleset: never })
  const waiting = client.ready({ timeoutMs: 1_000 }).then((isReady) => told.push(isReady))
  pass(1_000)
  await vi.advanceTimersByTimeAsync(1_000)
  await vi.advanceTimersByTimeAsync(1)
  expect(told).toEqual([false])
  await waiting
})

test('a list of a segment that could not be had comes with a later question, and listeners hear of it', async () => {
  const { edge, make, pass, settled } = await openEdge()
  const bytes = new Uint8Array(8).fill(7)
  const hash = await sha256Hex(bytes)
  await edge.publish(listLines(hash))
  const client = make()
  await client.ready()
  const vip = () => client.booleanDetails('vip', true, { targetingKey: 'u' })
  expect(vip().errorCode).toBe('GENERAL')
  const heard: string[] = []
  client.on('change', ({ flags }) => heard.push(...flags))
  edge.blobs.set(hash, bytes)
  pass(12_000)
  client.snapshot()
  await settled()
  expect(vip()).toMatchObject({ value: false, reason: 'DEFAULT' })
  expect(heard).toEqual(['vip'])
})

test('a version that a request left half taken into use is taken by the next question', async () => {
  let isGone = true
  const { edge, make, serverPorts, pass } = await openEdge()
  const client = make({
    fetchBlob: (hash, bytesMax) => (isGone ? never() : serverPorts.fetchBlob(hash, bytesMax)),
  })
  await client.ready()
  await edge.publish(listLines('0'.repeat(64)))
  pass(12_000)
  client.snapshot()
  await expect.poll(() => edge.seen.filter((line) => line.endsWith('/ruleset')).length).toBe(2)
  isGone = false
  pass(12_000)
  client.snapshot()
  await expect.poll(() => client.version).toBe('1.2')
})

test('a copy of the location that is confirmed in the future counts as confirmed now', async () => {
  let text = ''
  const { edge, make, pass, now, settled } = await openEdge()
  await make({ writeCopy: async (written) => void (text = written) }).ready()
  await settled()
  const copy = parseCopy(text)
  expect(copy).not.toBeNull()
  const client = make({ readCopy: async () => copy && { ...copy, confirmedAt: now() + 3_600_000 } })
  await client.ready()
  expect(client.status()).toMatchObject({ origin: 'store', ageMs: 0 })
  await edge.publish([flagLine('checkout', false)])
  pass(12_000)
  client.snapshot()
  await settled()
  expect(client.boolean('checkout', true)).toBe(false)
})

test('after close the edge is asked no more, and evaluation goes on', async () => {
  const { edge, client, pass, settled } = await openClient()
  await client.close()
  const asked = edge.seen.length
  pass(100_000)
  await client.ready()
  expect(client.snapshot().boolean('checkout', false)).toBe(true)
  await settled()
  expect(client.status().state).toBe('closed')
  expect(edge.seen.filter((line) => !line.endsWith('/v1/events'))).toHaveLength(asked)
})
