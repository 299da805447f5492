import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketOf } from './bucketing.ts'
import { baseFlag } from './cases.ts'
import { evaluate } from './evaluate.ts'
import { formatLine, loadSnapshot } from './snapshot.ts'

const userId = fc.oneof(fc.uuid(), fc.string({ unit: 'binary' }), fc.integer())
const seed = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => bits.toString(16).padStart(16, '0'))
const share = fc.integer({ min: 0, max: 100_000 })

const line = (key: string, config: unknown) => formatLine('flag', key, JSON.stringify(config))

/** The variant that a split of `v0`, `v1`, … with these weights serves. */
function serveSplit(seed: string, weights: readonly number[], targetingKey: string | number): string {
  const variants = weights.map((_, i) => ({ key: `v${i}`, value: i }))
  const split = { by: 'targetingKey', weights: weights.map((weight, i) => ({ variant: `v${i}`, weight })) }
  const config = {
    ...baseFlag,
    seed,
    valueType: 'number',
    variants,
    offVariant: 'v0',
    fallthrough: { split },
  }
  const snapshot = loadSnapshot(line('f', config))
  const decision = evaluate(snapshot, 'f', { targetingKey }, 0)
  expect(decision.reason).toBe('SPLIT')
  return 'variant' in decision ? decision.variant : ''
}

test('widening a two-way split only adds contexts', () => {
  fc.assert(
    fc.property(seed, userId, share, share, (seed, id, one, other) => {
      const [narrow, wide] = [Math.min(one, other), Math.max(one, other)]
      fc.pre(serveSplit(seed, [narrow, 100_000 - narrow], id) === 'v0')
      expect(serveSplit(seed, [wide, 100_000 - wide], id)).toBe('v0')
    }),
    { numRuns: 1_000 },
  )
})

test('a variant whose new range contains its old keeps its contexts', () => {
  fc.assert(
    fc.property(seed, userId, fc.tuple(share, share, share, share), (seed, id, cuts) => {
      const [from = 0, narrowFrom = 0, narrowTo = 0, to = 0] = cuts.toSorted((a, b) => a - b)
      fc.pre(serveSplit(seed, [narrowFrom, narrowTo - narrowFrom, 100_000 - narrowTo], id) === 'v1')
      expect(serveSplit(seed, [from, to - from, 100_000 - to], id)).toBe('v1')
    }),
    { numRuns: 500 },
  )
})

const servesOn = (change: object, layerTo: number, targetingKey: string | number) => {
  const layer = {
    seed: 'fedcba9876543210',
    by: 'targetingKey',
    slots: [{ name: 's', from: 0, to: layerTo }],
  }
  const lines = [line('f', { ...baseFlag, ...change }), formatLine('layer', 'l', JSON.stringify(layer))]
  const decision = evaluate(loadSnapshot(lines.join('\n')), 'f', { targetingKey }, 0)
  return 'variant' in decision && decision.variant === 'on'
}
const rule = (more: object) => ({
  rules: [{ id: 'r', when: { all: [] }, serve: { variant: 'on' }, ...more }],
})
const inSlot = {
  by: 'targetingKey',
  weights: [{ variant: 'on', weight: 100_000 }],
  layer: { key: 'l', slot: 's' },
}
const ramp = (share: number) => ({ by: 'targetingKey', from: 'off', to: 'on', steps: [{ at: 0, share }] })

test('a ramp, a sample and a slot that widen only add contexts', () => {
  fc.assert(
    fc.property(seed, userId, share, share, (seed, id, one, other) => {
      const [narrow, wide] = [Math.min(one, other), Math.max(one, other)]
      const kinds = [
        (share: number) => servesOn({ seed, fallthrough: { ramp: ramp(share) } }, 0, id),
        (share: number) => servesOn(rule({ sample: { by: 'targetingKey', share, seed } }), 0, id),
        (share: number) => servesOn(rule({ serve: { split: inSlot } }), share, id),
      ]
      for (const serves of kinds) if (serves(narrow)) expect(serves(wide)).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})

test('a split serves the variant whose range holds the bucket', () => {
  fc.assert(
    fc.property(seed, userId, fc.array(share, { maxLength: 6 }), (seed, id, cuts) => {
      const ends = [...cuts, 100_000].toSorted((a, b) => a - b)
      const weights = ends.map((end, i) => end - (ends[i - 1] ?? 0))
      const bucket = bucketOf(id, seed) ?? -1
      expect(serveSplit(seed, weights, id)).toBe(`v${ends.findIndex((end) => bucket < end)}`)
    }),
    { numRuns: 1_000 },
  )
})

test('the order of the flags, and what else they read, moves nobody', () => {
  const split = {
    by: 'targetingKey',
    weights: [
      { variant: 'on', weight: 50_000 },
      { variant: 'off', weight: 50_000 },
    ],
  }
  const other = { ...baseFlag, overrides: [{ attribute: 'targetingKey', values: ['x'], variant: 'on' }] }
  fc.assert(
    fc.property(seed, userId, (seed, targetingKey) => {
      const config = { ...baseFlag, seed, fallthrough: { split } }
      const alone = evaluate(loadSnapshot(line('f', config)), 'f', { targetingKey }, 0)
      const among = loadSnapshot([line('a', other), line('b', config), line('f', config)].join('\n'))
      for (const key of ['a', 'b']) evaluate(among, key, { targetingKey: 'y' }, 0)
      expect(evaluate(among, 'f', { targetingKey }, 0)).toEqual(alone)
    }),
  )
})
