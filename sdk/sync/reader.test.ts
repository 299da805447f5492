import { expect, test } from 'vitest'
import { keyRefusedCode, pingText } from '@halyard/shared/protocol/stream.ts'
import { delta, heartbeat, hello, make, makeWorld, ruleset, snapshot, type Made } from './test-kit.ts'

/** A reader that holds 1.1 over a stream. */
async function connected(made: Made = make(1)) {
  const world = makeWorld()
  world.open()
  await world.tell(hello(made), snapshot(made))
  return world
}

test('a reader holds the snapshot that its stream begins with, and is live when it is confirmed', async () => {
  const { reader, tell } = await connected()
  expect(reader.snapshot()).toMatchObject({ token: '1.1', body: make(1).body })
  await tell(heartbeat(make(1), 1), heartbeat(make(1), 2))
  expect(reader.status()).toEqual({
    phase: 'live',
    version: '1.1',
    ageMs: 0,
    isConnected: true,
    refusedCount: 0,
    refusal: null,
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
  const verify = edge.verify
  edge.verify = async (signedHead) => {
    if (signedHead === make(2).signedHead) await slow.promise
    return await verify(signedHead)
  }
  edge.answer = async () => ruleset(make(2))
  await pass(20_000) // the poll brings 1.2 and waits for its verification
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

test('a head that is newer than what is held heals a lost message', async () => {
  const { reader, tell, asked, edge, clock } = await connected()
  edge.answer = async () => ({
    kind: 'ruleset',
    signedHead: make(2).signedHead,
    content: { deltas: [delta(make(1), make(2))].flatMap((one) => (one.kind === 'delta' ? one : [])) },
    ageMs: 0,
  })
  await tell(heartbeat(make(2), clock.now()))
  expect(asked.map(({ ask }) => ask)).toEqual([{ since: '1.1', minVersion: '1.2' }])
  expect(reader.snapshot()?.body).toBe(make(2).body)
})

test('deltas of an answer that do not fit are followed at once by the question for the whole', async () => {
  const { reader, tell, asked, edge, clock } = await connected()
  edge.answer = async ({ since }) =>
    since === undefined
      ? ruleset(make(2))
      : { kind: 'ruleset', signedHead: make(2).signedHead, content: { deltas: [] }, ageMs: 0 }
  await tell(heartbeat(make(2), clock.now()))
  expect(asked.map(({ ask }) => ask)).toEqual([{ since: '1.1', minVersion: '1.2' }, { minVersion: '1.2' }])
  expect(reader.snapshot()?.token).toBe('1.2')
})

test('each head is answered with a ping, and nothing else is', async () => {
  const { streams, tell, clock } = await connected()
  await tell(heartbeat(make(1), clock.now()), { kind: 'pong' }, delta(make(1), make(2)))
  expect(streams[0]?.sent).toEqual([pingText])
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

test('streams are opened again with waits of full jitter that double to 30 s, from the version held', async () => {
  const world = await connected()
  const waits: number[] = []
  for (let round = 0; round < 8; round++) {
    world.streams.at(-1)?.hears.ended({ reason: 'gone' })
    waits.push(await secondsToNext(world)) // oxlint-disable-line no-await-in-loop -- one after the other
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30, 30])
  expect(world.streams[1]?.since).toBe('1.1')
})

test('what the server asks for is the least wait, with one of our own on top', async () => {
  const world = await connected()
  await world.tell({ kind: 'goaway', retryAfterMs: 7_000 })
  expect(world.streams[0]?.isClosed).toBe(true)
  expect(await secondsToNext(world)).toBe(8)
  world.streams.at(-1)?.hears.ended({ status: 503, retryAfterMs: 5_000, reason: 'busy' })
  expect(await secondsToNext(world)).toBe(7)
})

test('a minute of health makes the waits short again', async () => {
  const { streams, pass, open, tell, clock } = await connected()
  for (let round = 0; round < 4; round++) {
    streams.at(-1)?.hears.ended({ reason: 'gone' })
    await pass(10_000) // oxlint-disable-line no-await-in-loop -- one after the other
  }
  open()
  for (let beat = 0; beat < 4; beat++) {
    await pass(15_000) // oxlint-disable-line no-await-in-loop -- one after the other
    await tell(heartbeat(make(1), clock.now())) // oxlint-disable-line no-await-in-loop -- the same
  }
  const before = streams.length
  streams.at(-1)?.hears.ended({ reason: 'gone' })
  await pass(1_000)
  expect(streams).toHaveLength(before + 1)
})

test.each([{ code: keyRefusedCode }, { status: 401 }, { status: 403 }])(
  'a key that is refused is not tried again on either path, and what is held stays: %j',
  async (ending) => {
    const { reader, streams, pass, asked } = await connected()
    streams[0]?.hears.ended({ ...ending, reason: 'revoked' })
    await pass(600_000)
    expect(reader.status()).toMatchObject({ phase: 'refused', version: '1.1', refusal: 'revoked' })
    expect({ streams: streams.length, asked: asked.length }).toEqual({ streams: 1, asked: 0 })
  },
)

test('a key that is refused when polling ends the stream, too', async () => {
  const { reader, streams, pass, edge } = await connected()
  edge.answer = async () => ({ kind: 'failed', status: 401, reason: 'revoked' })
  await pass(25_000)
  expect(reader.status().phase).toBe('refused')
  expect(streams[0]?.isClosed).toBe(true)
})

test('a stream that is silent for two heartbeats is given up', async () => {
  const { streams, pass } = await connected()
  await pass(30_000)
  expect(streams[0]?.isClosed).toBe(true)
})

test('polling keeps a reader live while streams fail, and rests when they are back', async () => {
  const { reader, streams, pass, asked, edge, open, tell, clock } = await connected()
  edge.answer = async () => ruleset(make(2))
  const timer = setStreamFailing(streams)
  await pass(120_000)
  expect(reader.status()).toMatchObject({ phase: 'live', version: '1.2' })
  expect(asked.length).toBeGreaterThanOrEqual(4)
  expect(asked.length).toBeLessThanOrEqual(6)
  timer.stop()
  await pass(31_000)
  open()
  let before = 0
  for (let beat = 0; beat < 10; beat++) {
    if (beat === 3) before = asked.length
    await tell(heartbeat(make(2), clock.now())) // oxlint-disable-line no-await-in-loop -- one after the other
    await pass(15_000) // oxlint-disable-line no-await-in-loop -- the same
  }
  expect(asked.length).toBe(before)
})

test('a reader that has nothing polls as soon as its stream fails, and again in waits that double', async () => {
  const { streams, pass, asked } = makeWorld()
  streams[0]?.hears.ended({ reason: 'refused' })
  await pass(8_000)
  expect(asked.map(({ at }) => Math.round(at / 100) / 10)).toEqual([1, 2, 4, 8])
})

test('an answer without the word of the hub gives content, and confirms nothing', async () => {
  const { reader, pass, edge } = makeWorld()
  edge.answer = async () => ruleset(make(1), null)
  await pass(31_000)
  expect(reader.status()).toMatchObject({ phase: 'stale', version: '1.1', ageMs: null })
})

test('an answer that is hours old is content, and says so', async () => {
  const { reader, pass, edge } = makeWorld()
  edge.answer = async () => ruleset(make(1), 7_200_000)
  await pass(2_000)
  expect(reader.status()).toMatchObject({ phase: 'stale', ageMs: 7_202_000 })
})

test('texts that are no messages end the connection; kinds that are not known are passed over', async () => {
  const { reader, streams, pass } = await connected()
  streams[0]?.hears.heard('{"kind":"later","of":"a newer server"}')
  await pass(0)
  expect(streams[0]?.isClosed).toBe(false)
  for (const text of ['', 'null', '<html>', '{"kind":"delta","set":5}', '{"kind":"snapshot"}', '[1]']) {
    streams.at(-1)?.hears.heard(text)
    await pass(31_000) // oxlint-disable-line no-await-in-loop -- one after the other
  }
  expect(streams).toHaveLength(7)
  expect(reader.snapshot()?.token).toBe('1.1')
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

/** How long it takes until the next stream is opened. */
async function secondsToNext({ streams, pass }: Awaited<ReturnType<typeof connected>>): Promise<number> {
  const before = streams.length
  for (let seconds = 1; ; seconds++) {
    await pass(1_000) // oxlint-disable-line no-await-in-loop -- one after the other
    if (streams.length > before) return seconds
  }
}

/** Every stream that is opened from now on fails at once. */
function setStreamFailing(streams: { readonly hears: { ended: (ending: { reason: string }) => void } }[]) {
  let isFailing = true
  const push = streams.push.bind(streams)
  streams.push = (...opened) => {
    const length = push(...opened)
    if (isFailing) queueMicrotask(() => opened[0]?.hears.ended({ reason: 'down' }))
    return length
  }
  streams.at(-1)?.hears.ended({ reason: 'down' })
  return {
    stop: () => {
      isFailing = false
    },
  }
}
