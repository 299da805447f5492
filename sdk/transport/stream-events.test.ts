import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeEventParser } from './stream-events.ts'

function parse(...pieces: readonly string[]): string[] {
  const heard: string[] = []
  const take = makeEventParser((data) => heard.push(data))
  for (const piece of pieces) take(piece)
  return heard
}

test('events are heard by their data; comments, names, ids and times to wait are not', () => {
  const text =
    'retry: 1000\n\n: alive\n\nevent: head\nid: 1.1\ndata: {"a":1}\n\ndata:{"b":2}\r\n\r\ndata: one\ndata: two\n\n'
  expect(parse(text)).toEqual(['{"a":1}', '{"b":2}', 'one\ntwo'])
})

test('in whatever pieces a stream comes, the same is heard', () => {
  const text = 'event: head\ndata: {"a":"ü"}\n\ndata: 2\n\n: x\n\ndata: three\ndata: 3\n\n'
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 20 }), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), text.length]
      const pieces = at.slice(1).map((end, i) => text.slice(at[i], end))
      expect(parse(...pieces)).toEqual(['{"a":"ü"}', '2', 'three\n3'])
    }),
  )
})

test('an event that did not end is not heard', () => {
  expect(parse('data: {"a":1}\n')).toEqual([])
})

test('a line longer than any message ends the stream', () => {
  const take = makeEventParser(() => {})
  const piece = 'x'.repeat(10 * 1024 * 1024)
  expect(() => [1, 2, 3].forEach(() => take(piece))).toThrow('longer')
})
