import { expect, test } from 'vitest'
import { baseFlag } from './cases.ts'
import { evaluate } from './evaluate.ts'
import { flagKeys, formatBody, formatLine, loadSnapshot } from './snapshot.ts'

const line = (key: string, change: object = {}) =>
  formatLine('flag', key, JSON.stringify({ ...baseFlag, ...change }))

test('a body is its lines sorted by code unit, with no line break at the end', () => {
  const lines = [line('b'), line('B'), line('a'), line('ä'), formatLine('area', 'z', '{}')]
  const body = formatBody(lines)
  expect(body.split('\n').map((text) => text.split('\t', 2).join(' '))).toEqual([
    'area z',
    'flag B',
    'flag a',
    'flag b',
    'flag ä',
  ])
  expect(formatBody(lines.toReversed())).toBe(body)
  expect(formatBody(body.split('\n'))).toBe(body)
})

test('an environment without flags is the empty body', () => {
  expect(formatBody([])).toBe('')
  expect(flagKeys(loadSnapshot(''))).toEqual([])
})

test('keys are those of all flags in the order of the body, the unreadable ones among them', () => {
  const snapshot = loadSnapshot(formatBody([line('c'), line('a'), 'flag\tb\t{', 'area\td\t{}']))
  expect(flagKeys(snapshot)).toEqual(['a', 'b', 'c'])
})

test('class client sees the keys of visible flags only', () => {
  const unreadable = line('e', { clientVisible: true, rules: null })
  const lines = [line('a'), line('b', { clientVisible: false }), line('c'), 'flag\td\t{', unreadable]
  expect(flagKeys(loadSnapshot(formatBody(lines)), { clientOnly: true })).toEqual(['a', 'c', 'e'])
})

test('loading reads no JSON', () => {
  const snapshot = loadSnapshot(formatBody([line('a'), 'flag\tb\t{']))
  expect(snapshot.entries.map((entry) => entry.compiled)).toEqual([null, null])
  evaluate(snapshot, 'b', {}, 0)
  expect(snapshot.entries.map((entry) => entry.compiled === null)).toEqual([true, false])
})

test('lines without tabs do not make loading slow', () => {
  const body = 'flag\tx'.concat('\nflag\tx'.repeat(300_000))
  expect(flagKeys(loadSnapshot(body))).toEqual(['x'])
})
