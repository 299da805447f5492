/** Generated environments: readable flags that refer to one another, segments, a layer, contexts and moments. For tests. */
import * as fc from 'fast-check'
import { baseFlag, baseSegment } from './cases.ts'
import type {
  Condition,
  EvaluationContext,
  FlagConfig,
  Json,
  LayerConfig,
  Leaf,
  SegmentConfig,
  Serve,
} from './model.ts'
import { formatBody, formatLine } from './snapshot.ts'

export interface Environment {
  readonly flags: Readonly<Record<string, FlagConfig>>
  readonly segments: Readonly<Record<string, SegmentConfig>>
  readonly layers: Readonly<Record<string, LayerConfig>>
}

export const attributeName = fc.constantFrom(
  'a',
  'b',
  'targetingKey',
  'a.b',
  '__proto__',
  'constructor',
  'length',
)
export const text = fc.constantFrom('', 'x', 'xy', 'y', '5', '__proto__')
const number = fc.constantFrom(-1, 0, 5, 5.5, 1e21)
export const scalar = fc.oneof(text, number, fc.boolean())
const variant = fc.constantFrom('on', 'off')
const share = fc.integer({ min: 0, max: 100_000 })
const seed = fc.constantFrom('00000000000000aa', 'fedcba9876543210', '0123456789abcdef')
/** All moments are small, so that they meet. */
export const moment = fc.integer({ min: 0, max: 12 })

const negatable = { negate: fc.boolean() }
export const leaf: fc.Arbitrary<Leaf> = fc.oneof(
  fc.record({ attribute: attributeName, op: fc.constant('eq'), value: scalar, ...negatable }),
  fc.record({ attribute: attributeName, op: fc.constant('in'), values: fc.array(scalar), ...negatable }),
  fc.record({
    attribute: attributeName,
    op: fc.constantFrom('contains', 'startsWith', 'endsWith'),
    values: fc.array(text),
    ...negatable,
  }),
  fc.record({
    attribute: attributeName,
    op: fc.constantFrom('gt', 'gte', 'lt', 'lte'),
    value: number,
    ...negatable,
  }),
  fc.record({
    attribute: attributeName,
    op: fc.constant('between'),
    values: fc.tuple(number, number).map((ends) => ends.toSorted((a, b) => a - b)),
    ...negatable,
  }),
  fc.record({
    attribute: attributeName,
    op: fc.constantFrom('hasAny', 'hasAll', 'hasNone'),
    values: fc.array(scalar),
    ...negatable,
  }),
)
const presence: fc.Arbitrary<Leaf> = fc.record({
  attribute: attributeName,
  op: fc.constant('exists'),
  ...negatable,
})
const clock: fc.Arbitrary<Leaf> = fc.oneof(
  fc.record({
    attribute: fc.constant('$now'),
    op: fc.constantFrom('before', 'after'),
    value: moment,
    ...negatable,
  }),
  fc.record({
    attribute: fc.constant('$now'),
    op: fc.constant('within'),
    values: fc.tuple(moment, moment).map(([one, other]) => [Math.min(one, other), Math.max(one, other) + 1]),
    ...negatable,
  }),
)

/** Conditions that refer to these flags and segments. */
function conditionOn(flags: readonly string[], segments: readonly string[]): fc.Arbitrary<Condition> {
  const references: fc.Arbitrary<Condition>[] = []
  if (segments.length > 0) references.push(fc.record({ segment: fc.constantFrom(...segments) }))
  if (flags.length > 0) {
    references.push(fc.record({ flag: fc.constantFrom(...flags), variants: fc.subarray(['on', 'off', 'x']) }))
  }
  return fc.letrec<{ condition: Condition }>((tie) => ({
    condition: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      presence,
      clock,
      ...references,
      fc.record({ all: fc.array(tie('condition'), { maxLength: 4 }) }),
      fc.record({ any: fc.array(tie('condition'), { maxLength: 4 }) }),
      fc.record({ not: tie('condition') }),
    ),
  })).condition
}

const bucketed = { by: fc.constantFrom('a', 'b', 'targetingKey') }
const layerOf = fc.record({ key: fc.constant('l'), slot: fc.constantFrom('low', 'high') })

function serveWith(outside: fc.Arbitrary<string> | null): fc.Arbitrary<Serve> {
  const split = fc
    .record({ ...bucketed, weight: share })
    .map(({ by, weight }) => ({ by, weights: twoWay(weight) }))
  const ramp = fc
    .record({
      ...bucketed,
      from: variant,
      to: variant,
      ats: fc.uniqueArray(moment, { maxLength: 4 }),
      shares: fc.array(share, { minLength: 4, maxLength: 4 }),
    })
    .map(({ ats, shares, ...rest }) => ({
      ...rest,
      steps: ats.toSorted((a, b) => a - b).map((at, i) => ({ at, share: shares[i] ?? 0 })),
    }))
  const inSlot = fc
    .record({ split, layer: layerOf, outside: outside ?? fc.constant('') })
    .map(({ split, layer, outside: variant }) => ({
      split: { ...split, layer, ...(outside && { outside: variant }) },
    }))
  return fc.oneof(fc.record({ variant }), fc.record({ split }), fc.record({ ramp }), inSlot)
}

/** A flag that refers to these. */
function flagOn(flags: readonly string[], segments: readonly string[]): fc.Arbitrary<FlagConfig> {
  const rule = fc.record(
    {
      id: text,
      when: conditionOn(flags, segments),
      sample: fc.record({ ...bucketed, share, seed }),
      serve: serveWith(null),
    },
    { requiredKeys: ['id', 'when', 'serve'] },
  )
  const override = fc.record(
    { attribute: attributeName, values: fc.array(scalar), variant, until: moment },
    { requiredKeys: ['attribute', 'values', 'variant'] },
  )
  const needed = fc.record({
    flag: fc.constantFrom(...flags, 'nowhere'),
    variants: fc.subarray(['on', 'off', 'x']),
  })
  return fc
    .record(
      {
        seed,
        clientVisible: fc.boolean(),
        enabled: fc.constantFrom(true, true, true, false),
        offVariant: variant,
        expiry: fc.record({ at: moment, variant }),
        prerequisites: fc.array(needed, { maxLength: 2 }),
        overrides: fc.array(override, { maxLength: 2 }),
        rules: fc.array(rule, { maxLength: 4 }),
        fallthrough: serveWith(variant),
      },
      {
        requiredKeys: ['seed', 'clientVisible', 'enabled', 'offVariant', 'overrides', 'rules', 'fallthrough'],
      },
    )
    .map((state) => ({ ...baseFlag, ...state }))
}

function segmentOn(flags: readonly string[], segments: readonly string[]): fc.Arbitrary<SegmentConfig> {
  const ids = fc.subarray(['', 'x', 'xy', '5', '-1', '__proto__'])
  return fc
    .record(
      { attribute: attributeName, include: ids, exclude: ids, when: conditionOn(flags, segments) },
      { requiredKeys: ['attribute', 'include', 'exclude'] },
    )
    .map((state) => ({ ...baseSegment, ...state }))
}

export const environment: fc.Arbitrary<Environment> = fc.record({
  flags: fc.record({
    // References go down the alphabet, so that there is no cycle.
    f: flagOn(['g', 'h'], ['s', 't']),
    g: flagOn(['h'], ['t']),
    h: flagOn([], ['t']),
  }),
  segments: fc.record({ s: segmentOn(['h'], ['t']), t: segmentOn([], []) }),
  layers: fc.record({
    l: fc.record({ seed, by: bucketed.by, cut: share }).map(({ cut, ...rest }) => ({
      ...rest,
      slots: [
        { name: 'low', from: 0, to: cut },
        { name: 'high', from: cut, to: 100_000 },
      ],
    })),
  }),
})

const value: fc.Arbitrary<Json> = fc.oneof(
  scalar,
  fc.constant(null),
  fc.array(scalar, { maxLength: 2 }),
  fc.dictionary(fc.constantFrom('a', 'b', 'length'), scalar, { maxKeys: 2 }),
)
export const context: fc.Arbitrary<EvaluationContext> = fc.dictionary(
  fc.constantFrom('a', 'b', 'targetingKey', 'constructor'),
  value,
)

export function bodyOf({ flags, segments, layers }: Environment): string {
  return formatBody([...linesOf('flag', flags), ...linesOf('segment', segments), ...linesOf('layer', layers)])
}

function linesOf(kind: string, items: object): string[] {
  return Object.entries(items).map(([key, item]) => formatLine(kind, key, JSON.stringify(item)))
}

function twoWay(weight: number) {
  return [
    { variant: 'on', weight },
    { variant: 'off', weight: 100_000 - weight },
  ]
}
