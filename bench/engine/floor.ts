/**
 * What the engine is measured against: the least that gives the right values. One closure a flag, made from checked
 * objects, that reads the context directly and gives the bare value: no reasons, variants, errors or paths.
 */
import { bucketOfHash, hashOf, parseSeed } from '@halyard/shared/engine/bucketing.ts'
import type { Condition, EvaluationContext, FlagConfig, Json, Serve } from '@halyard/shared/engine/model.ts'
import type { Flags } from './flags.ts'

type Test = (context: EvaluationContext) => boolean
type Decide = (context: EvaluationContext) => Json | undefined

export type Floor = ReadonlyMap<string, Decide>

export function makeFloor(flags: Flags): Floor {
  return new Map(Array.from(flags, ([key, flag]) => [key, makeFlag(flag)]))
}

/** Reads the JSON object of all flags, as an engine without lines would. */
export function parseFloor(text: string): Floor {
  const flags: { [key: string]: FlagConfig } = JSON.parse(text)
  return makeFloor(new Map(Object.entries(flags)))
}

export function decideAll(floor: Floor, context: EvaluationContext): (Json | undefined)[] {
  const values: (Json | undefined)[] = []
  for (const decide of floor.values()) values.push(decide(context))
  return values
}

function makeFlag(flag: FlagConfig): Decide {
  const values = new Map(flag.variants.map((variant) => [variant.key, variant.value]))
  const offValue = values.get(flag.offVariant)
  if (!flag.enabled) return () => offValue
  const overrides = flag.overrides.map((override) => ({
    attribute: override.attribute,
    members: new Set<Json | undefined>(override.values),
    value: values.get(override.variant),
  }))
  const rules = flag.rules.map((rule) => ({
    test: makeTest(rule.when),
    serve: makeServe(rule.serve, flag, values),
  }))
  const fallthrough = makeServe(flag.fallthrough, flag, values)
  if (overrides.length === 0 && rules.length === 0) return fallthrough
  return (context) => {
    for (const override of overrides)
      if (override.members.has(context[override.attribute])) return override.value
    for (const rule of rules) if (rule.test(context)) return rule.serve(context)
    return fallthrough(context)
  }
}

function makeServe(serve: Serve, flag: FlagConfig, values: ReadonlyMap<string, Json>): Decide {
  if ('variant' in serve) {
    const value = values.get(serve.variant)
    return () => value
  }
  const { by, weights } = serve.split
  const [first, second] = weights.map((weight) => values.get(weight.variant))
  const end = weights[0]?.weight ?? 0
  const seed = parseSeed(flag.seed) ?? { high: 0, low: 0 }
  return (context) => (bucketOfHash(hashOf(context[by]), seed) < end ? first : second)
}

function makeTest(condition: Condition): Test {
  if ('not' in condition) {
    const part = makeTest(condition.not)
    return (context) => !part(context)
  }
  if ('all' in condition) {
    const parts = condition.all.map(makeTest)
    return (context) => {
      for (const part of parts) if (!part(context)) return false
      return true
    }
  }
  if ('any' in condition) {
    const parts = condition.any.map(makeTest)
    return (context) => {
      for (const part of parts) if (part(context)) return true
      return false
    }
  }
  const { attribute, op, value, values = [], negate = false } = condition
  const members = new Set<Json | undefined>(values)
  switch (op) {
    case 'eq':
      return (context) => (context[attribute] === value) !== negate
    case 'in':
      return (context) => members.has(context[attribute]) !== negate
    case 'startsWith':
      return (context) =>
        values.some((prefix) => String(context[attribute]).startsWith(String(prefix))) !== negate
    case 'gt':
      return (context) => Number(context[attribute]) > Number(value) !== negate
    case 'lt':
      return (context) => Number(context[attribute]) < Number(value) !== negate
  }
  return op satisfies never
}
