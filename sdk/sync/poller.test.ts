import { expect, test } from 'vitest'
import { connected, delta, heartbeat, make, makeWorld, ruleset } from './test-kit.ts'

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

test('a key that is refused when polling ends the stream, too', async () => {
  const { reader, streams, pass, edge } = await connected()
  edge.answer = async () => ({ kind: 'failed', status: 401, reason: 'revoked' })
  await pass(25_000)
  expect(reader.status().phase).toBe('refused')
  expect(streams[0]?.isClosed).toBe(true)
})

test('an answer that is not young is followed by another question soon: the location looks for newer meanwhile', async () => {
  const { reader, asked, edge, pass } = makeWorld()
  edge.answer = async () => ruleset(make(asked.length), asked.length === 1 ? 25_000 : 0)
  await pass(2_100)
  expect(asked.map(({ at }) => Math.round(at / 1_000))).toEqual([1, 2])
  expect(reader.status()).toMatchObject({ phase: 'live', version: '1.2' })
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
  await pass(1_500)
  expect(reader.status()).toMatchObject({ phase: 'stale', ageMs: 7_201_500 })
})

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
