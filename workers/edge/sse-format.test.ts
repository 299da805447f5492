import { expect, test } from 'vitest'
import type { ServerMessage } from '@halyard/shared/protocol/stream.ts'
import { ofrepFormat, ownFormat, type SseFormat } from './sse-format.ts'

const headOf = (version: number, epoch = 1) =>
  `header.${btoa(JSON.stringify({ epoch, version })).replaceAll('=', '')}.signature`
const hello = (version: string): ServerMessage => ({ kind: 'hello', version, heartbeatSec: 15 })
const changed = (version: string): ServerMessage => ({ kind: 'changed', version })
const beat = (version: string): ServerMessage => ({ kind: 'head', version, confirmedAt: 5 })
const tell = (format: SseFormat, message: ServerMessage) => format.tell(message, JSON.stringify(message))
const idOf = (format: SseFormat, message: ServerMessage) => /^id: (.*)$/m.exec(tell(format, message))?.[1]
const refetch = (version: string) =>
  `id: ${version}\ndata: {"type":"refetchEvaluation","etag":"${version}"}\n\n`

test('our own events are named after the kinds of messages and carry the same JSON', () => {
  const format = ownFormat(null)
  expect(tell(format, changed('1.5'))).toBe(
    'event: changed\nid: 1.5\ndata: {"kind":"changed","version":"1.5"}\n\n',
  )
  expect(tell(format, beat('1.5'))).toBe(
    'event: head\ndata: {"kind":"head","version":"1.5","confirmedAt":5}\n\n',
  )
  expect(tell(format, { kind: 'pong' })).toBe('')
  expect(format.goaway(1500)).toBe(
    'retry: 1500\nevent: goaway\ndata: {"kind":"goaway","retryAfterMs":1500}\n\n',
  )
})

test('an id is a version that its reader holds once it has heard the event', () => {
  expect(idOf(ownFormat(null), hello('1.5'))).toBe('1.5')
  expect(idOf(ownFormat('1.3'), hello('1.5')), 'what changed since is still to come').toBe('1.3')
  const signedHead = headOf(7)
  expect(idOf(ownFormat(null), { kind: 'hello', signedHead, heartbeatSec: 15 })).toBeUndefined()
  expect(idOf(ownFormat(null), { kind: 'snapshot', signedHead, body: '' })).toBe('1.7')
  const changes = { base: 'b', set: [], remove: [], splice: [] }
  expect(idOf(ownFormat(null), { kind: 'delta', signedHead, ...changes })).toBe('1.7')
  expect(idOf(ownFormat(null), { kind: 'head', signedHead, confirmedAt: 1 })).toBeUndefined()
})

test('an OFREP client that comes new is told to fetch: what it holds may be older than its stream', () => {
  expect(tell(ofrepFormat(null), hello('1.5'))).toBe(refetch('1.5'))
})

test('one that comes back is told at once if it missed a change, and else not', () => {
  expect(tell(ofrepFormat('1.4'), hello('1.5'))).toBe(refetch('1.5'))
  expect(tell(ofrepFormat('1.5'), hello('2.1')), 'a restored database').toBe(refetch('2.1'))
  expect(tell(ofrepFormat('1.5'), hello('1.5'))).toBe('id: 1.5\ndata: {"type":"connected"}\n\n')
})

test('it is told of a change once at once, and once more at the next heartbeat', () => {
  const format = ofrepFormat('1.5')
  tell(format, hello('1.5'))
  const events = [beat('1.5'), changed('1.6'), changed('1.6'), beat('1.6'), beat('1.6')].map((message) =>
    tell(format, message),
  )
  expect(events).toEqual([': alive\n\n', refetch('1.6'), '', refetch('1.6'), ': alive\n\n'])
})

test('a change that was lost on the way is told at the heartbeat, which names a newer version', () => {
  const format = ofrepFormat('1.5')
  tell(format, hello('1.5'))
  expect(tell(format, beat('1.6'))).toBe(refetch('1.6'))
})

test('an older version is never told after a newer one', () => {
  const format = ofrepFormat(null)
  tell(format, hello('1.6'))
  expect([tell(format, changed('1.5')), tell(format, beat('1.5'))]).toEqual(['', ': alive\n\n'])
})

test('for class server each version of the snapshot is a change, and nothing of it is told but that', () => {
  const format = ofrepFormat('1.6')
  const events = [
    tell(format, { kind: 'hello', signedHead: headOf(7), heartbeatSec: 15 }),
    tell(format, {
      kind: 'delta',
      signedHead: headOf(7),
      base: 'b',
      set: ['secret'],
      remove: [],
      splice: [],
    }),
    tell(format, { kind: 'snapshot', signedHead: headOf(8), body: 'secret' }),
  ]
  expect(events).toEqual([refetch('1.7'), '', refetch('1.8')])
})

test('a head that cannot be read is told by nothing', () => {
  const signedHead = 'no head'
  expect(tell(ofrepFormat(null), { kind: 'snapshot', signedHead, body: '' })).toBe('')
  expect(tell(ofrepFormat(null), { kind: 'head', signedHead, confirmedAt: 1 })).toBe(': alive\n\n')
})
