/** When the client asks the edge: by a clock that the test sets. */
import { expect, onTestFinished, test } from 'vitest'
import { checkServerOptions } from '../server/server-options.ts'
import { flagLine, startEdgeKit } from '../server/edge.test-kit.ts'
import { makeServerPorts } from '../server/server-ports.ts'
import { makeWorkersClient } from './make-workers-client.ts'

/** A client that has its flags, a clock to set, and what it does behind answers. */
async function openClient() {
  const edge = await startEdgeKit()
  onTestFinished(edge.close)
  await edge.publish([flagLine('checkout', true)])
  let now = Date.now()
  const behind: Promise<unknown>[] = []
  const client = makeWorkersClient(checkServerOptions({ edge: edge.url, key: edge.key }), {
    ...makeServerPorts(edge.url, edge.key),
    now: () => now,
    waitUntil: (work) => void behind.push(work),
    readCopy: async () => null,
    writeCopy: async () => {},
  })
  expect(await client.ready()).toBe(true)
  return {
    edge,
    client,
    pass: (ms: number) => {
      now += ms
    },
    settled: () => Promise.all(behind.splice(0)),
  }
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
