import { expect, test } from 'vitest'
import { layerWarnings } from './layer-warnings.ts'

type Range = [name: string, from: number, to: number]
const layer = (by: string, ...ranges: Range[]) => ({
  by,
  slots: ranges.map(([name, from, to]) => ({ name, from, to })),
})
const before = layer('targetingKey', ['a', 0, 40_000], ['b', 40_000, 80_000])
const told = (after: typeof before) =>
  layerWarnings(before, after).map(({ code, pointer, detail }) => {
    expect(code).toBe('moves_contexts')
    return [pointer, detail]
  })

test('for each slot that moves or shrinks it is told what share leaves it', () => {
  expect(told(layer('targetingKey', ['b', 50_000, 90_000], ['a', 0, 30_000]))).toEqual([
    ['/slots/0', '25 % of the contexts in slot "b" leave it, 10 % of all'],
    ['/slots/1', '25 % of the contexts in slot "a" leave it, 10 % of all'],
  ])
  expect(told(layer('targetingKey', ['a', 90_000, 100_000], ['b', 40_000, 80_000]))).toEqual([
    ['/slots/0', '100 % of the contexts in slot "a" leave it, 40 % of all'],
  ])
})

test('widening, adding, ordering and taking away slots that stay as they are moves nobody', () => {
  expect(told(before)).toEqual([])
  expect(told(layer('targetingKey', ['b', 40_000, 90_000], ['a', 0, 40_000]))).toEqual([])
  expect(told(layer('targetingKey', ['a', 0, 40_000], ['c', 80_000, 90_000]))).toEqual([])
})

test('another attribute draws all contexts anew, if any slot stays', () => {
  const all = /^buckets by "company" instead of "targetingKey": all contexts are drawn anew/
  expect(told(layer('company', ['a', 0, 10], ['b', 40_000, 80_000]))).toEqual([
    ['/by', expect.stringMatching(all)],
  ])
  expect(told(layer('company', ['new', 0, 10]))).toEqual([])
})
