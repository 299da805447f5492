import { expect, test } from 'vitest'
import { connected, delta, heartbeat, make, ruleset, snapshot } from './test-kit.ts'

test('a reader holds the snapshot that its stream begins with, and is live when it is confirmed', async () => {
  const { reader, tell } = await connected()
  expect(reader.snapshot()).toMatchObject({ token: '1.1', body: make(1).body })
  await tell(heartbeat(make(1), 1), heartbeat(make(1), 2))
  expect(reader.status()).toEqual({
    phase: 'live',
    version: '1.1',
    ageMs: 0,
    freshForMs: 30_000,
    isSeen: true,
    isConnected: true,
    refusedCount: 0,
    refusal: null,
    error: null,
  })
})

test('a delta makes the next version of the one that is held, and listeners hear of it once', async () => {
  const { reader, tell, asked } = await connected()
  const heard: string[] = []
  const stop = reader.onChange(({ token }) => heard.push(token))
  await tell(delta(make(1), make(2)), delta(make(1), make(2)))
  stop()
  await tell(delta(make(2), make(3)))
  expect(reader.snapshot()?.body).toBe(make(3).body)
  expect({ heard, asked }).toEqual({ heard: ['1.2'], asked: [] })
})

test('an older version is never taken, whichever way it comes', async () => {
  const { reader, tell, edge, pass } = await connected(make(5))
  edge.answer = async () => ruleset(make(4))
  await tell(snapshot(make(4)), delta(make(3), make(4)), snapshot(make(9, { epoch: 0 })))
  await pass(25_000)
  expect(reader.snapshot()?.token).toBe('1.5')
})

test('what is compared is what is held when it is applied, not when it was read', async () => {
  const { reader, tell, edge, pass } = await connected()
  const slow = Promise.withResolvers<void>()
  const { hash } = edge
  edge.hash = async (text) => {
    if (text === make(2).body) await slow.promise
    return await hash(text)
  }
  edge.answer = async () => ruleset(make(2))
  await pass(20_000) // the poll brings 1.2 and is still being hashed
  await tell(snapshot(make(3)))
  slow.resolve()
  await pass(0)
  expect(reader.snapshot()?.token).toBe('1.3')
})

test('a higher epoch counts more than a higher version', async () => {
  const { reader, tell } = await connected(make(7))
  await tell(snapshot(make(2, { epoch: 2 })), snapshot(make(8)))
  expect(reader.snapshot()?.token).toBe('2.2')
})

test('a delta from another body is dropped, and the whole is asked for with the version that it led to', async () => {
  const { reader, tell, asked, edge } = await connected()
  edge.answer = async () => ruleset(make(3))
  await tell(delta(make(2), make(3)))
  expect(asked.map(({ ask }) => ask)).toEqual([{ minVersion: '1.3' }])
  expect(reader.snapshot()?.token).toBe('1.3')
})

test('a delta whose result has another hash than its head names is refused, and the whole asked for', async () => {
  const { reader, tell, asked, edge } = await connected()
  edge.answer = async () => ruleset(make(2))
  const forged = { ...make(2), body: 'flag\ta\t{"v":"forged"}\nflag\tb\t{}' }
  await tell(delta(make(1), forged))
  expect(asked).toHaveLength(1)
  expect(reader.snapshot()?.body).toBe(make(2).body)
  expect(reader.status().refusedCount).toBe(1)
})

test.each([
  ['signed by nobody trusted', { ...make(2), signedHead: `${make(2).signedHead}x` }],
  ['of another environment', make(2, { environment: 'env_2' })],
  ['of a newer schema', make(2, { schema: 2 })],
  ['with a wrong size', make(2, { size: 1 })],
  ['too large', make(2, { size: 5_000_000 })],
  ['with a wrong hash', make(2, { snapshotHash: 'a'.repeat(64) })],
  ['signed two days ahead', make(2, { time: 1_000_000 + 2 * 24 * 3_600_000 })],
])('a snapshot %s is refused and counted; what is held stays', async (_, made) => {
  const { reader, tell } = await connected()
  await tell(snapshot(made))
  expect(reader.snapshot()?.token).toBe('1.1')
  expect(reader.status().refusedCount).toBe(1)
})

test('a copy that nothing confirms for 30 s is stale, and stays', async () => {
  const { reader, tell, pass } = await connected()
  await tell(heartbeat(make(1), 1), heartbeat(make(1), 2))
  await pass(30_000)
  expect(reader.status()).toMatchObject({ phase: 'live', ageMs: 30_000 })
  await pass(1)
  expect(reader.status().phase).toBe('stale')
  await pass(30 * 24 * 3_600_000)
  expect(reader.snapshot()?.token).toBe('1.1')
})

test('a confirmation that stands still confirms nothing, whatever the clocks say', async () => {
  const { reader, tell, pass } = await connected()
  await tell(heartbeat(make(1), 4), heartbeat(make(1), 5))
  await pass(15_000)
  await tell(heartbeat(make(1), 5))
  await pass(15_001)
  expect(reader.status().phase).toBe('stale')
  await tell(heartbeat(make(1), 6))
  expect(reader.status()).toMatchObject({ phase: 'live', ageMs: 0 })
})

test('a hub whose clock was set back is believed from its second word on a connection', async () => {
  const { reader, tell, pass } = await connected()
  await tell(heartbeat(make(1), 9_000_000), heartbeat(make(1), 9_015_000))
  await pass(29_000)
  await tell(heartbeat(make(1), 1_000))
  await pass(1_001)
  expect(reader.status().phase).toBe('stale')
  await tell(heartbeat(make(1), 2_000))
  expect(reader.status().phase).toBe('live')
})

test('the first word of a new reader confirms nothing: a relay that is cut off may have had it for hours', async () => {
  const { reader, tell, pass } = await connected()
  await pass(29_000)
  await tell(heartbeat(make(1), 1))
  await pass(1_001)
  expect(reader.status()).toMatchObject({ phase: 'stale', ageMs: null })
})

test("the first word of a later connection is as old as what is known of the hub's clock makes it", async () => {
  const { reader, tell, pass, streams, open } = await connected()
  await tell(heartbeat(make(1), 50_000), heartbeat(make(1), 65_000))
  streams[0]?.hears.ended({ reason: 'gone' })
  await pass(1_000)
  open()
  await pass(24_000)
  await tell(heartbeat(make(1), 70_000))
  expect(reader.status()).toMatchObject({ phase: 'live', ageMs: 20_000 })
})

test('a listener that throws is reported, and harms nobody', async () => {
  const { reader, tell, reports } = await connected()
  const heard: string[] = []
  reader.onChange(() => {
    throw new Error('mine')
  })
  reader.onChange(({ token }) => heard.push(token))
  await tell(snapshot(make(2)))
  expect(heard).toEqual(['1.2'])
  expect(reports).toEqual(['a listener failed: Error: mine'])
})

test('a closed reader does nothing more, and keeps what it held', async () => {
  const { reader, streams, asked, pass } = await connected()
  reader.close()
  await pass(600_000)
  expect(reader.status().phase).toBe('closed')
  expect(reader.snapshot()?.token).toBe('1.1')
  expect({ streams: streams.length, asked: asked.length }).toEqual({ streams: 1, asked: 0 })
})

test('a listener that leaves and comes again at each version is told of each once', async () => {
  const { reader, tell } = await connected()
  const heard: string[] = []
  const listener = ({ token }: { readonly token: string }) => {
    if (heard.push(token) > 10) return // else for ever
    stop()
    stop = reader.onChange(listener)
  }
  let stop = reader.onChange(listener)
  await tell(delta(make(1), make(2)), delta(make(2), make(3)))
  expect(heard).toEqual(['1.2', '1.3'])
})
