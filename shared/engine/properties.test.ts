import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketOf } from './bucketing.ts'
import { baseFlag } from './cases.ts'
import { evaluate, evaluateAll, evaluateForClient } from './evaluate.ts'
import { explain } from './explain.ts'
import { decisionJson } from './json.ts'
import type { Condition, EvaluationContext, FlagConfig, Json, Leaf, Serve } from './model.ts'
import { formatLine, loadSnapshot } from './snapshot.ts'

const name = fc.constantFrom('a', 'b', 'targetingKey', 'a.b', '__proto__', 'constructor', 'length')
const text = fc.constantFrom('', 'x', 'xy', 'y', '5', '__proto__')
const number = fc.constantFrom(-1, 0, 5, 5.5, 1e21)
const scalar = fc.oneof(text, number, fc.boolean())
const variant = fc.constantFrom('on', 'off')
const leaf: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ attribute: name, op: fc.constant('eq'), value: scalar, negate: fc.boolean() }),
  fc.record({ attribute: name, op: fc.constant('in'), values: fc.array(scalar), negate: fc.boolean() }),
  fc.record({ attribute: name, op: fc.constant('startsWith'), values: fc.array(text), negate: fc.boolean() }),
  fc.record({ attribute: name, op: fc.constantFrom('gt', 'lt'), value: number, negate: fc.boolean() }),
)
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({ all: fc.array(tie('condition'), { maxLength: 4 }) }),
    fc.record({ any: fc.array(tie('condition'), { maxLength: 4 }) }),
    fc.record({ not: tie('condition') }),
  ),
}))
const serve: fc.Arbitrary<Serve> = fc.oneof(
  fc.record({ variant }),
  fc
    .record({ by: name, weight: fc.integer({ min: 0, max: 100_000 }) })
    .map(({ by, weight }) => ({ split: { by, weights: twoWay(weight) } })),
)
const flag: fc.Arbitrary<FlagConfig> = fc
  .record({
    clientVisible: fc.boolean(),
    enabled: fc.boolean(),
    offVariant: variant,
    overrides: fc.array(fc.record({ attribute: name, values: fc.array(scalar), variant }), { maxLength: 2 }),
    rules: fc.array(fc.record({ id: text, when: condition, serve }), { maxLength: 4 }),
    fallthrough: serve,
  })
  .map((state) => ({ ...baseFlag, ...state }))
const value: fc.Arbitrary<Json> = fc.oneof(
  scalar,
  fc.constant(null),
  fc.array(scalar, { maxLength: 2 }),
  fc.dictionary(fc.constantFrom('a', 'b', 'length'), scalar, { maxKeys: 2 }),
)
const context: fc.Arbitrary<EvaluationContext> = fc.dictionary(
  fc.constantFrom('a', 'b', 'targetingKey', 'constructor'),
  value,
)

const line = (key: string, config: unknown) => formatLine('flag', key, JSON.stringify(config))
const body = (config: unknown) => line('f', config)
const decide = (config: unknown, context: EvaluationContext) =>
  evaluate(loadSnapshot(body(config)), 'f', context, 0)

test('any text as a body and any JSON as a context gives a decision', () => {
  const anyLine = fc.oneof(
    fc.string(),
    fc.jsonValue().map((json) => formatLine('flag', 'f', JSON.stringify(json))),
  )
  fc.assert(
    fc.property(fc.array(anyLine), fc.jsonValue(), (lines, anyContext) => {
      const context: EvaluationContext = Object(anyContext)
      const snapshot = loadSnapshot(lines.join('\n'))
      for (const decision of [
        evaluate(snapshot, 'f', context, 0),
        evaluateForClient(snapshot, 'f', context, 0),
        explain(snapshot, 'f', context, 0).decision,
        ...evaluateAll(snapshot, context, 0),
      ]) {
        expect(decision.reason).toBeTypeOf('string')
        JSON.parse(decisionJson(decision))
      }
    }),
    { numRuns: 500 },
  )
})

test('a readable flag with any one member replaced by any JSON gives a decision', () => {
  fc.assert(
    fc.property(flag, fc.nat(), fc.jsonValue(), context, (config, place, anyJson, context) => {
      let at = 0
      const count = JSON.stringify(config).match(/[:,[]/g)?.length ?? 1
      const changed = JSON.stringify(config, (_, part: unknown) => (at++ === place % count ? anyJson : part))
      const snapshot = loadSnapshot(formatLine('flag', 'f', changed))
      expect(evaluate(snapshot, 'f', context, 0).reason).toBeTypeOf('string')
      expect(explain(snapshot, 'f', context, 0).decision).toEqual(evaluate(snapshot, 'f', context, 0))
    }),
    { numRuns: 1_000 },
  )
})

test('a generated flag is readable, so that the properties here are not about errors', () => {
  fc.assert(
    fc.property(flag, context, (config, context) => {
      expect(decide(config, context)).not.toMatchObject({ errorCode: 'PARSE_ERROR' })
    }),
  )
})

test('explain gives the decision of evaluate', () => {
  fc.assert(
    fc.property(flag, context, (config, context) => {
      const snapshot = loadSnapshot(body(config))
      expect(explain(snapshot, 'f', context, 0).decision).toBe(evaluate(snapshot, 'f', context, 0))
    }),
    { numRuns: 2_000 },
  )
})

test('the decision is that of a plain reading of the definition', () => {
  fc.assert(
    fc.property(flag, context, (config, context) => {
      expect(decide(config, context)).toMatchObject(readPlainly(config, context))
    }),
    { numRuns: 3_000 },
  )
})

test('the order of names in a definition or a context changes nothing', () => {
  fc.assert(
    fc.property(flag, context, (config, context) => {
      expect(decide(turned(config), Object(turned(context)))).toEqual(decide(config, context))
    }),
  )
})

test('a definition that was parsed and written again decides the same', () => {
  fc.assert(
    fc.property(flag, context, (config, context) => {
      const once = body(config)
      const again = formatLine('flag', 'f', JSON.stringify(JSON.parse(once.slice('flag\tf\t'.length))))
      expect(again).toBe(once)
      expect(decide(JSON.parse(JSON.stringify(config)), context)).toEqual(decide(config, context))
    }),
  )
})

test('a missing attribute never matches, with negate or without', () => {
  fc.assert(
    fc.property(leaf, (when) => {
      const rules = [{ id: 'r', when, serve: { variant: 'on' } }]
      expect(decide({ ...baseFlag, rules }, {})).toMatchObject({ reason: 'DEFAULT' })
    }),
  )
})

test('of a leaf and its negation at most one matches, and exactly one if the types are right', () => {
  fc.assert(
    fc.property(leaf, value, (when, seen) => {
      const matches = [true, false].map((negate) => {
        const rules = [{ id: 'r', when: { ...when, attribute: 'q', negate }, serve: { variant: 'on' } }]
        return decide({ ...baseFlag, rules }, { q: seen }).reason === 'TARGETING_MATCH'
      })
      const isComparable = 'op' in when && expectedTypes(when).includes(typeof seen)
      expect(matches.filter(Boolean)).toHaveLength(isComparable ? 1 : 0)
    }),
    { numRuns: 1_000 },
  )
})

test('an unknown operator makes its flag an error and leaves the others as they were', () => {
  fc.assert(
    fc.property(flag, flag, context, fc.string(), (one, other, context, op) => {
      fc.pre(!['eq', 'in', 'startsWith', 'gt', 'lt'].includes(op))
      const rules = [
        ...one.rules,
        { id: 'r', when: { attribute: 'a', op, value: 1 }, serve: { variant: 'on' } },
      ]
      const snapshot = loadSnapshot(
        [line('e', other), line('f', { ...one, rules }), line('g', other)].join('\n'),
      )
      expect(evaluate(snapshot, 'f', context, 0)).toMatchObject({ errorCode: 'PARSE_ERROR' })
      for (const key of ['e', 'g'])
        expect(evaluate(snapshot, key, context, 0)).toEqual({ ...decide(other, context), key })
    }),
  )
})

function twoWay(weight: number) {
  return [
    { variant: 'on', weight },
    { variant: 'off', weight: 100_000 - weight },
  ]
}

function expectedTypes(leaf: Leaf): string[] {
  switch (leaf.op) {
    case 'eq':
      return [typeof leaf.value]
    case 'in':
      return leaf.values?.length
        ? leaf.values.map((operand) => typeof operand)
        : ['string', 'number', 'boolean']
    case 'startsWith':
      return ['string']
    case 'gt':
    case 'lt':
      return ['number']
  }
  return leaf.op satisfies never
}

/** The same JSON with the names of every object the other way round. */
function turned(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(turned)
  if (typeof json !== 'object' || json === null) return json
  return Object.fromEntries(
    Object.entries(json)
      .toReversed()
      .map(([key, part]) => [key, turned(part)]),
  )
}

/** The engine's contract for readable flags in the plainest words, as an oracle. Nothing is compiled or remembered. */
function readPlainly(flag: FlagConfig, context: EvaluationContext): object {
  const values = new Map(flag.variants.map((item) => [item.key, item.value]))
  const give = (variant: string, reason: string, metadata: object = {}) => {
    return { value: values.get(variant), variant, reason, metadata }
  }
  const serveBy = (serve: Serve, reason: string, metadata?: object) => {
    if ('variant' in serve) return give(serve.variant, reason, metadata)
    const by = readPath(context, serve.split.by)
    if (by === undefined || by === null) return { errorCode: 'TARGETING_KEY_MISSING' }
    const bucket = bucketOf(by, flag.seed)
    if (bucket === null) return { errorCode: 'INVALID_CONTEXT' }
    let end = 0
    const weight = serve.split.weights.find((item) => bucket < (end += item.weight))
    return give(weight?.variant ?? '', 'SPLIT', metadata)
  }
  if (!flag.enabled) return give(flag.offVariant, 'DISABLED')
  const override = flag.overrides.find((item) =>
    item.values.some((named) => named === readPath(context, item.attribute)),
  )
  if (override) return give(override.variant, 'TARGETING_MATCH')
  const rule = flag.rules.find((item) => holds(item.when, context))
  if (rule) return serveBy(rule.serve, 'TARGETING_MATCH', { ruleId: rule.id })
  return serveBy(flag.fallthrough, flag.overrides.length + flag.rules.length === 0 ? 'STATIC' : 'DEFAULT')
}

function holds(condition: Condition, context: EvaluationContext): boolean {
  if ('all' in condition) return condition.all.every((part) => holds(part, context))
  if ('any' in condition) return condition.any.some((part) => holds(part, context))
  if ('not' in condition) return !holds(condition.not, context)
  const seen = readPath(context, condition.attribute)
  return (
    expectedTypes(condition).includes(typeof seen) &&
    compares(condition, seen) !== (condition.negate ?? false)
  )
}

function compares(leaf: Leaf, seen: Json | undefined): boolean {
  const { op, value, values = [] } = leaf
  switch (op) {
    case 'eq':
      return seen === value
    case 'in':
      return values.some((operand) => operand === seen)
    case 'startsWith':
      return values.some((prefix) => String(seen).slice(0, String(prefix).length) === prefix)
    case 'gt':
      return Number(seen) > Number(value)
    case 'lt':
      return Number(seen) < Number(value)
  }
  return op satisfies never
}

function readPath(context: EvaluationContext, path: string): Json | undefined {
  let at: unknown = context
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null || Array.isArray(at)) return undefined
    at = new Map(Object.entries(at)).get(name)
  }
  return at as Json | undefined
}
