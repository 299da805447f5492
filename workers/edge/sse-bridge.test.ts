import { expect, test, vi } from 'vitest'
import { outstandingBytesMax, pingText } from '@halyard/shared/protocol/stream.ts'
import { bridgeToSse, relaySilenceMaxMs, sseGoaway } from './sse-bridge.ts'
import { ownFormat } from './sse-format.ts'

const patience = { timeout: 5_000, interval: 10 }
const beat = (n = 0) => JSON.stringify({ kind: 'head', version: '1.5', confirmedAt: n })

/** A relay's end of a socket beside the events that its other end becomes. */
function startBridge() {
  const { 0: far, 1: relay } = new WebSocketPair()
  relay.accept()
  const heard: unknown[] = []
  const closed: number[] = []
  relay.addEventListener('message', ({ data }) => heard.push(data))
  relay.addEventListener('close', ({ code }) => closed.push(code))
  const reader = bridgeToSse(far, ownFormat(null), () => 0).getReader()
  const decoder = new TextDecoder()
  const read = async () => {
    const { value, done } = await reader.read()
    return done ? null : decoder.decode(value)
  }
  return { relay, heard, closed, reader, read }
}

test('what the relay says becomes events, after a hint when to come back', async () => {
  const { relay, read } = startBridge()
  expect(await read()).toBe('retry: 1000\n\n')
  relay.send('{"kind":"changed","version":"1.5"}')
  expect(await read()).toBe('event: changed\nid: 1.5\ndata: {"kind":"changed","version":"1.5"}\n\n')
})

test('the relay hears a ping once its heartbeat was taken, and not before', async () => {
  const { relay, heard, read } = startBridge()
  await read()
  relay.send(beat(1))
  relay.send('{"kind":"changed","version":"1.6"}')
  expect(await read()).toContain('event: head')
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(heard, 'the change still waits').toEqual([])
  await read()
  void read()
  await vi.waitFor(() => expect(heard).toEqual([pingText]), patience)
})

test('a reader that does not read is let go at a bound, and told when to come back', async () => {
  const { relay, heard, closed, read } = startBridge()
  const message = JSON.stringify({ kind: 'changed', version: '1.5', padding: 'x'.repeat(16 * 1024) })
  const sent = 2 * Math.ceil(outstandingBytesMax / message.length)
  for (let i = 0; i < sent; i++) relay.send(message)
  await vi.waitFor(() => expect(closed).toEqual([1000]), patience)
  let bytes = 0
  let last = ''
  for (let text = await read(); text !== null; text = await read()) {
    bytes += text.length
    last = text
  }
  expect(bytes).toBeLessThan(outstandingBytesMax + 2 * message.length)
  expect(last).toBe('retry: 1000\nevent: goaway\ndata: {"kind":"goaway","retryAfterMs":1000}\n\n')
  expect(heard).toEqual([])
})

test('the snapshot of the greeting is not held against its reader, a second one is', async () => {
  const { relay, closed, read } = startBridge()
  const snapshot = JSON.stringify({
    kind: 'snapshot',
    signedHead: 'a.b.c',
    body: 'x'.repeat(outstandingBytesMax),
  })
  relay.send(snapshot)
  relay.send(beat())
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(closed).toEqual([])
  relay.send(snapshot)
  await vi.waitFor(() => expect(closed).toEqual([1000]), patience)
  await read()
})

test('a reader that goes away closes the socket', async () => {
  const { closed, reader, read } = startBridge()
  await read()
  await reader.cancel()
  await vi.waitFor(() => expect(closed).toEqual([1000]), patience)
})

test.each([1000, 1012, 4401])('a relay that closes with %i ends the events', async (code) => {
  const { relay, read } = startBridge()
  await read()
  relay.close(code, 'over')
  expect(await read()).toBeNull()
})

test('a goaway of the relay is passed on with the time to stay away, and ends the events', async () => {
  const { relay, closed, read } = startBridge()
  await read()
  relay.send('{"kind":"goaway","retryAfterMs":7000}')
  expect(await read()).toBe('retry: 7000\nevent: goaway\ndata: {"kind":"goaway","retryAfterMs":7000}\n\n')
  expect(await read()).toBeNull()
  await vi.waitFor(() => expect(closed).toEqual([1000]), patience)
})

test('a relay that falls silent without a word ends the events', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const { relay, read } = startBridge()
    await read()
    vi.advanceTimersByTime(relaySilenceMaxMs - 1)
    relay.send(beat())
    expect(await read()).toContain('event: head')
    vi.advanceTimersByTime(relaySilenceMaxMs - 1)
    relay.send(beat())
    expect(await read()).toContain('event: head')
    vi.advanceTimersByTime(relaySilenceMaxMs)
    expect(await read()).toBeNull()
  } finally {
    vi.useRealTimers()
  }
})

test('a stream that cannot be had is one that ends at once and says when to come back', () => {
  expect(sseGoaway(ownFormat(null), 7, () => 0.5)).toContain('retry: 7500\n')
})
