import { expect, test } from 'vitest'
import type { UsageCount, UsageMessage } from '@halyard/shared/contract/usage.ts'
import { knownCounts, rollUp, type CountedFlag } from './roll-up.ts'

const at = Date.parse('2026-11-20T11:59:59.999Z')
const flags: CountedFlag[] = [
  { id: 'flg_b', key: 'banner', clientVisible: true, variants: ['on', 'off'] },
  { id: 'flg_a', key: 'secret', clientVisible: false, variants: ['on', 'off'] },
]

function roll(counts: readonly Partial<UsageCount>[], source: UsageMessage['source'] = 'server') {
  const plain = { kind: 'evaluations', flag: 'banner', variant: 'on', count: 1, to: at } as const
  const all = counts.map((count) => ({ ...plain, ...count }))
  const groups = all.map(({ kind, to, flag, variant, count }) => ({
    kind,
    to,
    given: [[flag, variant, count] as [string, string | null, number]],
  }))
  const byKey = new Map(flags.map((flag) => [flag.key, flag]))
  return rollUp(knownCounts({ environment: 'env_1', id: 'b.0', source, counts: groups }, byKey))
}

test('counts are summed by flag, hour and variant, evaluations and deliveries apart', () => {
  expect(roll([{ count: 2 }, { count: 3, to: at - 1_000 }, { kind: 'deliveries', count: 7 }])).toEqual([
    {
      flagId: 'flg_b',
      variant: 'on',
      hour: new Date('2026-11-20T11:00:00Z'),
      evaluations: 5,
      deliveries: 7,
      lastEvaluatedAt: new Date(at),
      lastDeliveredAt: new Date(at),
    },
  ])
})

test('a window counts in the hour of its end', () => {
  expect(roll([{}, { to: at + 1 }]).map(({ hour }) => hour.toISOString())).toEqual([
    '2026-11-20T11:00:00.000Z',
    '2026-11-20T12:00:00.000Z',
  ])
})

test('errors have a row of their own, and what was never delivered says so', () => {
  const rows = roll([{ variant: null, count: 4 }])
  expect(rows).toMatchObject([{ variant: '', evaluations: 4, deliveries: 0, lastDeliveredAt: null }])
})

test('unknown flags and variants are left out, and hidden flags where class client counted them', () => {
  const counts = [{ flag: 'invented' }, { variant: 'invented' }, { flag: 'secret' }]
  expect(roll(counts).map(({ flagId }) => flagId)).toEqual(['flg_a'])
  expect(roll(counts, 'client')).toEqual([])
})

test('rows come in one order, whatever the order of the counts: locks are taken in it', () => {
  const counts = [{}, { flag: 'secret' }, { to: at - 3_600_000 }, { variant: 'off' }]
  expect(roll(counts)).toEqual(roll(counts.toReversed()))
})
