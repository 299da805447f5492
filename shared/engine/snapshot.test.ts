import { expect, test } from 'vitest'
import { baseFlag } from './cases.ts'
import { evaluate, evaluateAll } from './evaluate.ts'
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

test('loading reads no JSON, and asking for one flag that of no other', () => {
  const snapshot = loadSnapshot(formatBody([line('a'), 'flag\tb\t{']))
  expect(snapshot.flags.size).toBe(0)
  evaluate(snapshot, 'b', {}, 0)
  expect([...snapshot.flags.keys()]).toEqual(['b'])
})

test('a key is found whatever stands beside it', () => {
  const keys = ['', 'a', 'a.b', 'a b', 'ab', 'a\u0001', 'a\u0008b', 'b', 'B', 'é', '__proto__', 'zz']
  const snapshot = loadSnapshot(
    formatBody([...keys.map((key) => line(key)), 'flag\tbare', 'flag\tbar', 'area\tx\t{}']),
  )
  for (const key of keys) expect(evaluate(snapshot, key, {}, 0), key).toMatchObject({ key, reason: 'STATIC' })
  for (const key of ['bare', 'bar'])
    expect(evaluate(snapshot, key, {}, 0)).toMatchObject({ errorCode: 'PARSE_ERROR' })
  const unknown = [
    'A',
    'aa',
    'c',
    'x',
    'z',
    'zzz',
    '\u0000',
    'flag',
    `a\t${JSON.stringify(baseFlag)}`,
    'a\t',
    'a\nb',
  ]
  for (const key of unknown)
    expect(evaluate(snapshot, key, {}, 0), key).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' })
  expect(snapshot.flags.size).toBe(keys.length + 2)
})

test('a line with JSON and one without claim the same key', () => {
  const snapshot = loadSnapshot(formatBody([line('a'), 'flag\ta', line('a\u0001')]))
  expect(evaluate(snapshot, 'a', {}, 0)).toMatchObject({ errorCode: 'PARSE_ERROR' })
  expect(evaluate(snapshot, 'a\u0001', {}, 0)).toMatchObject({ reason: 'STATIC' })
  const all = evaluateAll(loadSnapshot(formatBody([line('a'), 'flag\ta', line('a\u0001')])), {}, 0)
  expect(all.map(({ key, reason }) => [key, reason])).toEqual([
    ['a', 'ERROR'],
    ['a\u0001', 'STATIC'],
  ])
})

test('lines without tabs do not make loading slow', () => {
  const body = 'flag\tx'.concat('\nflag\tx'.repeat(300_000))
  expect(flagKeys(loadSnapshot(body))).toEqual(['x'])
})
