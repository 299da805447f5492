import { expect, test } from 'vitest'
import { makeSeed } from '../protocol/ids.ts'
import { baseFlag } from './cases.ts'
import { evaluate } from './evaluate.ts'
import { formatBody, formatLine, loadSnapshot, type Snapshot } from './snapshot.ts'

const users = 200_000
/** Six standard deviations of a share of half of a fifth of the users: chance goes beyond it once in 500 million draws. */
const tolerance = 0.015

const ofAll = { all: [] }
const split = (onWeight: number) => ({
  by: 'targetingKey',
  weights: [
    { variant: 'on', weight: onWeight },
    { variant: 'off', weight: 100_000 - onWeight },
  ],
})
const sample = (share: number) => ({ by: 'targetingKey', share, seed: makeSeed() })
const flagLine = (key: string, change: object) =>
  formatLine('flag', key, JSON.stringify({ ...baseFlag, seed: makeSeed(), ...change }))

/** For each user what each flag gives: its variant and the rule that served. */
function draw(snapshot: Snapshot, keys: readonly string[]): string[][] {
  return Array.from({ length: users }, (_, i) =>
    keys.map((key) => {
      const decision = evaluate(snapshot, key, { targetingKey: `user-${i}` }, 0)
      return decision.reason === 'ERROR'
        ? decision.errorCode
        : `${decision.metadata.ruleId ?? '-'}:${decision.variant}`
    }),
  )
}

function shareOf(
  drawn: readonly string[][],
  holds: (row: readonly string[]) => boolean,
  among: (row: readonly string[]) => boolean = () => true,
) {
  const rows = drawn.filter(among)
  return rows.filter(holds).length / rows.length
}

const from = (ruleId: string) => (row: readonly string[]) => row[0]?.startsWith(`${ruleId}:`) ?? false
const inSlot = (slot: string) => ({
  rules: [{ id: 'r', when: ofAll, serve: { split: { ...split(50_000), layer: { key: 'l', slot } } } }],
})
const isIn = (column: number) => (row: readonly string[]) => row[column]?.startsWith('r:') ?? false
const gives = (variant: string) => (row: readonly string[]) => row[0]?.endsWith(`:${variant}`) ?? false

test('a sample and the split it leads to are independent, and so are a sample and the fallthrough it passes on to', () => {
  const rules = [{ id: 'r', when: ofAll, sample: sample(20_000), serve: { split: split(50_000) } }]
  const body = flagLine('f', { rules, fallthrough: { split: split(50_000) } })
  const drawn = draw(loadSnapshot(body), ['f'])
  expect(Math.abs(shareOf(drawn, from('r')) - 0.2)).toBeLessThan(tolerance)
  expect(Math.abs(shareOf(drawn, gives('on'), from('r')) - 0.5)).toBeLessThan(tolerance)
  expect(Math.abs(shareOf(drawn, gives('on'), from('-')) - 0.5)).toBeLessThan(tolerance)
})

test('the samples of two rules are independent', () => {
  const rules = ['r', 'q'].map((id) => ({
    id,
    when: ofAll,
    sample: sample(20_000),
    serve: { variant: 'on' },
  }))
  const drawn = draw(loadSnapshot(flagLine('f', { rules })), ['f'])
  const isLeft = (row: readonly string[]) => !from('r')(row)
  expect(Math.abs(shareOf(drawn, from('q'), isLeft) - 0.2)).toBeLessThan(tolerance)
})

test('disjoint slots share no user, an unused slot holds out, and the choice within a slot is independent of it', () => {
  const slots = [
    { name: 'one', from: 0, to: 40_000 },
    { name: 'two', from: 40_000, to: 80_000 },
  ]
  const layer = { seed: makeSeed(), by: 'targetingKey', slots }
  const body = formatBody([
    flagLine('f', inSlot('one')),
    flagLine('g', inSlot('two')),
    formatLine('layer', 'l', JSON.stringify(layer)),
  ])
  const drawn = draw(loadSnapshot(body), ['f', 'g'])
  expect(shareOf(drawn, (row) => isIn(0)(row) && isIn(1)(row))).toBe(0)
  expect(Math.abs(shareOf(drawn, (row) => !isIn(0)(row) && !isIn(1)(row)) - 0.2)).toBeLessThan(tolerance)
  expect(Math.abs(shareOf(drawn, gives('on'), isIn(0)) - 0.5)).toBeLessThan(tolerance)
})

test('a layer and a flag with the same seed would not be independent: what the test above can see', () => {
  const seed = makeSeed()
  const layer = { seed, by: 'targetingKey', slots: [{ name: 'one', from: 0, to: 40_000 }] }
  const rules = [
    { id: 'r', when: ofAll, serve: { split: { ...split(50_000), layer: { key: 'l', slot: 'one' } } } },
  ]
  const body = formatBody([flagLine('f', { seed, rules }), formatLine('layer', 'l', JSON.stringify(layer))])
  expect(shareOf(draw(loadSnapshot(body), ['f']), gives('on'), from('r'))).toBe(1)
})
