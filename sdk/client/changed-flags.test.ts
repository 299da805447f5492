import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { flagLine as writeFlag, layerLine, segmentLine } from '@halyard/shared/compiler/lines.ts'
import { bodyOf, context, environment } from '@halyard/shared/engine/arbitraries.test-kit.ts'
import type { Condition } from '@halyard/shared/engine/model.ts'
import { evaluate } from '@halyard/shared/engine/evaluate.ts'
import { flagKeys, loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { changedFlags, flagsReaching } from './changed-flags.ts'

test('every flag whose answer differs between two versions is named', () => {
  fc.assert(
    fc.property(environment, environment, context, (one, other, asked) => {
      const [before, after] = [loadSnapshot(bodyOf(one)), loadSnapshot(bodyOf(other))]
      const named = changedFlags(before.lines, after.lines)
      for (const key of new Set([...flagKeys(before), ...flagKeys(after)])) {
        const answers = [before, after].map((snapshot) => evaluate(snapshot, key, asked, 7))
        if (JSON.stringify(answers[0]) !== JSON.stringify(answers[1])) expect(named).toContain(key)
      }
    }),
  )
})

const on = { variants: [{ key: 'on', value: true }], seed: '0123456789abcdef', clientVisible: true }
const state = { enabled: true, offVariant: 'on', overrides: [], rules: [], fallthrough: { variant: 'on' } }
const flag = (key: string, change: object = {}) =>
  writeFlag({ key, valueType: 'boolean', ...on, state: { ...state, ...change } })
const ruleOn = (when: Condition) => ({ rules: [{ id: 'r', when, serve: { variant: 'on' } }] })
const segment = (key: string, include: readonly string[], when: Condition | null = null) =>
  segmentLine({ key, state: { attribute: 'targetingKey', include, exclude: [], when, members: null } })
const layer = (seed: string) =>
  layerLine({ key: 'shared', seed, by: 'targetingKey', slots: [{ name: 's', from: 0, to: 9 }] })
const inLayer = {
  fallthrough: {
    split: {
      by: 'targetingKey',
      weights: [{ variant: 'on', weight: 100_000 }],
      layer: { key: 'shared', slot: 's' },
      outside: 'on',
    },
  },
}

test.each([
  ['a flag', [flag('a')], [flag('a', { enabled: false })], ['a']],
  ['a new flag', [], [flag('a')], ['a']],
  ['a flag that is gone', [flag('a')], [], ['a']],
  [
    'a segment, over another',
    [segment('inner', ['x']), segment('outer', [], { segment: 'inner' })],
    [segment('inner', ['y']), segment('outer', [], { segment: 'inner' })],
    ['by-segment'],
  ],
  ['a layer', [layer('0000000000000001')], [layer('0000000000000002')], ['in-layer']],
  ['a prerequisite', [flag('gate')], [flag('gate', { enabled: false })], ['behind', 'gate']],
])('a change of %s names the flags that reach it, and no others', (_, before, after, keys) => {
  const rest = [
    flag('other'),
    flag('by-segment', ruleOn({ segment: 'outer' })),
    flag('in-layer', inLayer),
    flag('behind', { prerequisites: [{ flag: 'gate', variants: ['on'] }] }),
  ]
  const sorted = (lines: readonly string[]) => [...rest, ...lines].toSorted()
  expect(changedFlags(sorted(before), sorted(after))).toEqual(keys)
})

test('of the same lines nothing has changed', () => {
  expect(changedFlags([flag('a')], [flag('a')])).toEqual([])
})

const behind = (key: string, gate: string) => flag(key, { prerequisites: [{ flag: gate, variants: ['on'] }] })

test('each line is looked at once, however many flags refer to what changed and over however many steps', () => {
  let looks = 0
  const watched = (text: string) =>
    Object.assign(Object(text) as string, {
      includes: (part: string) => ((looks += 1), text.includes(part)),
      matchAll: (pattern: RegExp) => ((looks += 1), text.matchAll(pattern)),
    })
  const lines = Array.from({ length: 200 }, (_, i) =>
    watched(behind(`f-${i}`, i % 20 === 0 ? 'root' : `f-${i - 1}`)),
  )
  expect(flagsReaching(lines, ['flag\troot'])).toHaveLength(201)
  expect(looks).toBeLessThanOrEqual(lines.length)
})
