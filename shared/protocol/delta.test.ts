import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatBody } from '../engine/snapshot.ts'
import { applyChanges, changesBetween, nameOf, type LineChanges } from './delta.ts'

const line = (key: string, json: string) => `flag\t${key}\t${json}`
const listing = (ids: readonly string[]) => line('big', JSON.stringify({ added: ids }))
const keys = fc.constantFrom('a', 'a-b', 'ab', 'a.b', 'b', 'z', 'A', 'é', '\u{1f600}')
const bodies = fc
  .uniqueArray(
    fc.tuple(fc.constantFrom('flag', 'layer', 'segment'), keys, fc.string({ unit: 'binary', maxLength: 40 })),
    {
      selector: ([kind, key]) => `${kind} ${key}`,
    },
  )
  .map((items) => formatBody(items.map(([kind, key, text]) => `${kind}\t${key}\t${JSON.stringify(text)}`)))

test('what leads from one body to another does so, also over a wire of UTF-8', () => {
  fc.assert(
    fc.property(bodies, bodies, (before, after) => {
      const text = JSON.stringify(changesBetween(before, after))
      const sent = JSON.parse(new TextDecoder().decode(new TextEncoder().encode(text))) as LineChanges
      expect(applyChanges(before, sent)).toBe(after)
    }),
    { numRuns: 2_000 },
  )
})

test('between equal bodies there is nothing', () => {
  const body = formatBody([line('a', '{}'), line('b', '{}')])
  expect(changesBetween(body, body)).toEqual({ set: [], remove: [], splice: [] })
})

test('an id that joins a long list travels as that id', () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => `user-${String(i).padStart(6, '0')}`)
  const changes = changesBetween(listing(ids), listing([...ids, 'user-000500x'].toSorted()))
  expect(changes.set).toEqual([])
  expect(JSON.stringify(changes).length).toBeLessThan(100)
})

test('a line that is all new is set, and no edit of the old one', () => {
  const changes = changesBetween(line('a', '"one"'), line('a', '[2]'))
  expect(changes).toEqual({ set: [line('a', '[2]')], remove: [], splice: [] })
})

test('a delta that does not fit is told from one that does', () => {
  const body = formatBody([line('a', '{}')])
  const none = { set: [], remove: [], splice: [] }
  expect(applyChanges(body, none)).toBe(body)
  expect(applyChanges(body, { ...none, remove: ['flag\tb'] })).toBeNull()
  expect(applyChanges(body, { ...none, splice: [['flag\tb', 0, 0, 'x']] })).toBeNull()
  expect(applyChanges(body, { ...none, splice: [['flag\ta', 5, 99, 'x']] })).toBeNull()
})

test('the name of a line is its kind and key', () => {
  expect(nameOf('flag\tnew checkout\t{"a":"\\t"}')).toBe('flag\tnew checkout')
})
