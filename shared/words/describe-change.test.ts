import { expect, test } from 'vitest'
import {
  describeFlagChange,
  describeLayerChange,
  describeSegmentChange,
  type ReadableFlag,
  type ReadableSegment,
} from './describe-change.ts'

const rule = (id: string, country: string, name?: string) => ({
  id,
  ...(name !== undefined && { name }),
  when: { attribute: 'country', op: 'eq' as const, value: country },
  serve: { variant: 'on' },
})
const state: ReadableFlag['state'] = {
  enabled: true,
  offVariant: 'off',
  overrides: [],
  rules: [rule('rul_1', 'CA', 'Canada'), rule('rul_2', 'FR')],
  fallthrough: { variant: 'off' },
}
const flag: ReadableFlag = {
  variants: [
    { key: 'on', value: true },
    { key: 'off', value: false },
  ],
  clientVisible: false,
  state,
}
const restated = (changes: Partial<ReadableFlag['state']>) => ({ ...flag, state: { ...state, ...changes } })

test.for<[string, ReadableFlag, string[]]>([
  ['nothing', flag, []],
  ['the switch', restated({ enabled: false }), ['switched off']],
  ['the off variant', restated({ offVariant: 'on' }), ['off variant: "on" (was: "off")']],
  [
    'the fallthrough',
    restated({ fallthrough: { variant: 'on' } }),
    ['fallthrough: Otherwise: serves "on". (was: Otherwise: serves "off".)'],
  ],
  [
    'a new rule',
    restated({ rules: [...state.rules, rule('rul_3', 'DE')] }),
    ['rule 3 added: If country is "DE": serves "on".'],
  ],
  [
    'a rule that is gone',
    restated({ rules: state.rules.slice(1) }),
    ['rule removed: Canada: If country is "CA": serves "on".'],
  ],
  [
    'another rule',
    restated({ rules: [rule('rul_1', 'US', 'Canada'), rule('rul_2', 'FR')] }),
    ['rule 1: Canada: If country is "US": serves "on". (was: Canada: If country is "CA": serves "on".)'],
  ],
  ['the order of rules', restated({ rules: state.rules.toReversed() }), ['rules in another order']],
  [
    'an override',
    restated({ overrides: [{ attribute: 'targetingKey', values: ['u', 'v'], variant: 'on', until: 0 }] }),
    ['override added: targetingKey is "u" or "v": "on", until 1970-01-01'],
  ],
  [
    'a prerequisite',
    restated({ prerequisites: [{ flag: 'base', variants: ['on'] }] }),
    ['prerequisite added: base gives "on"'],
  ],
  [
    'variants',
    {
      ...flag,
      variants: [
        { key: 'on', value: 1 },
        { key: 'off', value: false },
      ],
    },
    ['variant added: "on" = 1', 'variant removed: "on" = true'],
  ],
  ['the order of variants', { ...flag, variants: flag.variants.toReversed() }, ['variants in another order']],
  ['visibility', { ...flag, clientVisible: true }, ['shown to client keys']],
  [
    'expiry',
    { ...flag, expiry: { at: '2026-12-01T00:00:00Z', variant: 'off' } },
    ['expiry: "off" from 2026-12-01 on (was: none)'],
  ],
])('of a flag: %s', ([, after, lines]) => {
  expect(describeFlagChange(flag, after)).toEqual(lines)
})

test('what came goes when it is read the other way round', () => {
  const after = restated({ prerequisites: [{ flag: 'base', variants: ['on'] }] })
  expect(describeFlagChange(after, flag)).toEqual(['prerequisite removed: base gives "on"'])
})

test('of a segment: its ids, its condition and its list', () => {
  const before: ReadableSegment = {
    attribute: 'targetingKey',
    include: ['a'],
    exclude: [],
    when: null,
    members: null,
  }
  const members = { hash: 'abcdef0123456789', count: 1_000, added: ['x'], removed: [] }
  const when = { attribute: 'plan', op: 'eq' as const, value: 'pro' }
  expect(describeSegmentChange(before, before)).toEqual([])
  expect(
    describeSegmentChange(before, { attribute: 'account', include: ['b'], exclude: ['c'], when, members }),
  ).toEqual([
    'attribute: account (was: targetingKey)',
    'include added: "b"',
    'include removed: "a"',
    'exclude added: "c"',
    'condition: plan is "pro" (was: none)',
    'list: 1,000 ids (abcdef01), 1 added and 0 removed since (was: none)',
  ])
})

test('of a layer: its slots', () => {
  const layer = { seed: '0', by: 'targetingKey', slots: [{ name: 'a', from: 0, to: 50_000 }] }
  const other = { ...layer, slots: [{ name: 'a', from: 0, to: 10_000 }] }
  expect(describeLayerChange(layer, layer)).toEqual([])
  expect(describeLayerChange(layer, other)).toEqual([
    'slot added: "a" from 0 to 10,000',
    'slot removed: "a" from 0 to 50,000',
  ])
})
