import { expect, test } from 'vitest'
import { keyRefusedCode, pingText } from '@halyard/shared/protocol/stream.ts'
import { connected, delta, heartbeat, make, snapshot } from './test-kit.ts'

test('each head is answered with a ping, and nothing else is', async () => {
  const { streams, tell, clock } = await connected()
  await tell(heartbeat(make(1), clock.now()), { kind: 'pong' }, delta(make(1), make(2)))
  expect(streams[0]?.sent).toEqual([pingText])
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
  'a key that is refused is not tried again on either path for five minutes, and what is held stays: %j',
  async (ending) => {
    const { reader, streams, pass, asked } = await connected()
    streams[0]?.hears.ended({ ...ending, reason: 'revoked' })
    await pass(299_000)
    expect(reader.status()).toMatchObject({ phase: 'refused', version: '1.1', refusal: 'revoked' })
    expect({ streams: streams.length, asked: asked.length }).toEqual({ streams: 1, asked: 0 })
  },
)

test('a key that was refused is tried again every five to ten minutes, and one that is accepted is used again', async () => {
  const { reader, streams, pass, open, tell } = await connected()
  streams[0]?.hears.ended({ status: 401, reason: 'a proxy in the way' })
  await pass(600_000)
  expect(reader.status()).toMatchObject({ phase: 'refused', refusal: 'a proxy in the way' })
  expect(streams).toHaveLength(2)
  streams[1]?.hears.ended({ status: 401, reason: 'still' })
  expect(reader.status()).toMatchObject({ phase: 'refused', refusal: 'still' })
  await pass(600_000)
  open()
  await tell(snapshot(make(2)), heartbeat(make(2), 1), heartbeat(make(2), 2))
  expect(reader.status()).toMatchObject({ phase: 'live', version: '1.2', refusal: null })
})

test('a reader that was closed while its key was refused does not come back', async () => {
  const { reader, streams, pass } = await connected()
  streams[0]?.hears.ended({ status: 401, reason: 'revoked' })
  reader.close()
  await pass(3_600_000)
  expect(reader.status().phase).toBe('closed')
  expect(streams).toHaveLength(1)
})

test('a stream that is silent for two heartbeats is given up', async () => {
  const { streams, pass } = await connected()
  await pass(34_999)
  expect(streams[0]?.isClosed).toBe(false)
  await pass(1)
  expect(streams[0]?.isClosed).toBe(true)
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

/** How long it takes until the next stream is opened. */
async function secondsToNext({ streams, pass }: Awaited<ReturnType<typeof connected>>): Promise<number> {
  const before = streams.length
  for (let seconds = 1; ; seconds++) {
    await pass(1_000) // oxlint-disable-line no-await-in-loop -- one after the other
    if (streams.length > before) return seconds
  }
}
