import { expect, test } from 'vitest'
import { evaluate, evaluateAll, evaluateAllJson, evaluateMany } from './evaluate.ts'
import { explain } from './explain.ts'
import type { FlagConfig } from './model.ts'
import { formatBody, formatLine, loadSnapshot } from './snapshot.ts'
import { makeTally, takeCounts, type Given } from './tally.ts'

const flag: FlagConfig = {
  valueType: 'boolean',
  variants: [
    { key: 'on', value: true },
    { key: 'off', value: false },
  ],
  seed: '0123456789abcdef',
  clientVisible: true,
  enabled: true,
  offVariant: 'off',
  overrides: [],
  rules: [
    { id: 'r', when: { attribute: 'country', op: 'in', values: ['CA'] }, serve: { variant: 'on' } },
    { id: 's', when: { attribute: 'plan', op: 'in', values: ['pro'] }, serve: { variant: 'on' } },
  ],
  fallthrough: { variant: 'off' },
}
const split = {
  by: 'targetingKey',
  weights: [
    { variant: 'on', weight: 50_000 },
    { variant: 'off', weight: 50_000 },
  ],
}

function makeSnapshot() {
  const flags: Record<string, FlagConfig> = {
    banner: flag,
    hidden: { ...flag, clientVisible: false, prerequisites: [{ flag: 'gate', variants: ['on'] }] },
    gate: { ...flag, rules: [], fallthrough: { split } },
  }
  const lines = Object.entries(flags).map(([key, config]) => formatLine('flag', key, JSON.stringify(config)))
  return loadSnapshot(formatBody(lines))
}

/** By flag and variant. */
function sum(given: readonly Given[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { flag, variant, times } of given)
    sums[`${flag} ${variant}`] = (sums[`${flag} ${variant}`] ?? 0) + times
  return sums
}

test('a tally counts every flag of a bulk answer by the variant that it gave, and errors as none', () => {
  const snapshot = makeSnapshot()
  const tally = makeTally()
  const give = (context: object) => evaluateAllJson(snapshot, { ...context }, 0, { tally })
  give({ country: 'CA' })
  give({ plan: 'pro', targetingKey: 'user-1' })
  give({ country: 'DE', targetingKey: 'user-1' })
  const { variant } = evaluate(snapshot, 'gate', { targetingKey: 'user-1' }, 0) as { variant: string } // no error
  expect(sum(takeCounts(tally))).toMatchObject({
    'banner on': 2,
    'banner off': 1,
    [`gate ${variant}`]: 2,
    'gate null': 1,
  })
})

test('what was taken is not counted again, and counting goes on from zero', () => {
  const snapshot = makeSnapshot()
  const tally = makeTally()
  evaluateAllJson(snapshot, { country: 'CA' }, 0, { tally })
  takeCounts(tally)
  expect(takeCounts(tally)).toEqual([])
  evaluateAllJson(snapshot, { country: 'CA' }, 0, { tally })
  expect(sum(takeCounts(tally))).toMatchObject({ 'banner on': 1 })
})

test('class client counts what it was given only, and a prerequisite counts for nobody but itself', () => {
  const snapshot = makeSnapshot()
  const tally = makeTally()
  const context = { targetingKey: 'user-1' }
  evaluateAllJson(snapshot, context, 0, { clientOnly: true, tally })
  expect(Object.keys(sum(takeCounts(tally)))).toEqual(['banner off', expect.stringMatching(/^gate/)])
  evaluateAllJson(snapshot, context, 0, { tally })
  const totals = sum(takeCounts(tally))
  expect((totals['gate on'] ?? 0) + (totals['gate off'] ?? 0)).toBe(1)
})

test('nothing counts without a tally: not other ways to evaluate, and not explanations', () => {
  const snapshot = makeSnapshot()
  const tally = makeTally()
  evaluateAllJson(snapshot, { country: 'CA' }, 0, { tally })
  const context = { country: 'CA' }
  evaluateAllJson(snapshot, context, 0)
  evaluateAll(snapshot, context, 0)
  evaluateMany(snapshot, ['banner'], { context, now: 0 })
  explain(snapshot, 'banner', context, 0)
  expect(sum(takeCounts(tally))).toMatchObject({ 'banner on': 1 })
})
