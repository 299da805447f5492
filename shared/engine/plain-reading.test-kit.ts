/**
 * The engine's contract for readable flags in the plainest words: an oracle for tests. Nothing is compiled, shared or
 * remembered, and buckets come from the definition in docs/bucketing.md by way of `bucketOf`.
 */
import type { Environment } from './arbitraries.test-kit.ts'
import { bucketOf } from './bucketing.ts'
import type { Condition, EvaluationContext, FlagConfig, Json, Leaf, Serve, Split } from './model.ts'

/** What a reader finds: a decision without its key, or an error by its code. */
export type Reading =
  | {
      readonly value: Json | undefined
      readonly variant: string
      readonly reason: string
      readonly metadata: object
    }
  | { readonly errorCode: string }

interface Reader {
  readonly environment: Environment
  readonly context: EvaluationContext
  readonly now: number
}

/** An error on the way to an answer. */
class Stop extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

export function readPlainly(key: string, reader: Reader): Reading {
  const flag = reader.environment.flags[key]
  if (!flag) return { errorCode: 'FLAG_NOT_FOUND' }
  try {
    return readFlag(flag, reader)
  } catch (error) {
    if (error instanceof Stop) return { errorCode: error.code }
    throw error
  }
}

function readFlag(flag: FlagConfig, reader: Reader): Reading {
  const give = (variant: string, reason: string, metadata: object = {}): Reading => {
    return { value: flag.variants.find((item) => item.key === variant)?.value, variant, reason, metadata }
  }
  const { prerequisites = [], overrides, rules } = flag
  if (!flag.enabled) return give(flag.offVariant, 'DISABLED')
  if (flag.expiry && reader.now >= Number(flag.expiry.at)) {
    return give(flag.expiry.variant, 'DISABLED', { expired: true })
  }
  const unmet = prerequisites.find((item) => !gives(readPlainly(item.flag, reader), item.variants))
  if (unmet) return give(flag.offVariant, 'DISABLED', { prerequisite: unmet.flag })
  const override = overrides.find((item) => {
    const isOpen = item.until === undefined || reader.now < Number(item.until)
    return isOpen && item.values.some((named) => named === readPath(reader, item.attribute))
  })
  if (override) return give(override.variant, 'TARGETING_MATCH')
  for (const { id, when, sample, serve } of rules) {
    if (!holds(when, reader)) continue
    if (sample && bucketAt(sample.by, sample.seed, reader) >= sample.share) continue
    if ('split' in serve && isOutside(serve.split, reader)) continue
    const [variant, reason] = choose(serve, flag, reader)
    return give(variant, reason ?? 'TARGETING_MATCH', { ruleId: id })
  }
  const { fallthrough } = flag
  if (
    'split' in fallthrough &&
    fallthrough.split.outside !== undefined &&
    isOutside(fallthrough.split, reader)
  ) {
    return give(fallthrough.split.outside, 'SPLIT')
  }
  const [variant, reason] = choose(fallthrough, flag, reader)
  return give(
    variant,
    reason ?? (overrides.length + rules.length + prerequisites.length === 0 ? 'STATIC' : 'DEFAULT'),
  )
}

/** The variant of a serve, and the reason if it was drawn. */
function choose(serve: Serve, flag: FlagConfig, reader: Reader): [string, 'SPLIT'?] {
  if ('variant' in serve) return [serve.variant]
  if ('ramp' in serve) {
    const { by, from, to, steps } = serve.ramp
    const share = steps.filter((step) => Number(step.at) <= reader.now).at(-1)?.share ?? 0
    return [bucketAt(by, flag.seed, reader) < share ? to : from, 'SPLIT']
  }
  const bucket = bucketAt(serve.split.by, flag.seed, reader)
  let end = 0
  const weight = serve.split.weights.find((item) => bucket < (end += item.weight))
  return [weight?.variant ?? '', 'SPLIT']
}

function isOutside(split: Split, reader: Reader): boolean {
  if (!split.layer) return false
  const layer = reader.environment.layers[split.layer.key]
  const slot = layer?.slots.find((item) => item.name === split.layer?.slot)
  if (!layer || !slot) throw new Stop('PARSE_ERROR')
  const bucket = bucketAt(layer.by, layer.seed, reader)
  return bucket < slot.from || bucket >= slot.to
}

function bucketAt(by: string, seed: string, reader: Reader): number {
  const value = readPath(reader, by)
  if (value === undefined || value === null) throw new Stop('TARGETING_KEY_MISSING')
  const bucket = bucketOf(value, seed)
  if (bucket === null) throw new Stop('INVALID_CONTEXT')
  return bucket
}

/** Whether a flag counts as giving one of these variants to those that refer to it. */
function gives(reading: Reading, variants: readonly string[]): boolean {
  if ('errorCode' in reading) return false
  const isOff = reading.reason === 'DISABLED' && !('expired' in reading.metadata)
  return !isOff && variants.includes(reading.variant)
}

function holds(condition: Condition, reader: Reader): boolean {
  if ('all' in condition) return condition.all.every((part) => holds(part, reader))
  if ('any' in condition) return condition.any.some((part) => holds(part, reader))
  if ('not' in condition) return !holds(condition.not, reader)
  if ('segment' in condition) return belongs(condition.segment, reader)
  if ('flag' in condition) {
    const reading = readPlainly(condition.flag, reader)
    if ('errorCode' in reading && reading.errorCode !== 'FLAG_NOT_FOUND') throw new Stop(reading.errorCode)
    return gives(reading, condition.variants)
  }
  const seen = readPath(reader, condition.attribute)
  const isNegated = condition.negate ?? false
  if (condition.op === 'exists') return (seen !== undefined && seen !== null) !== isNegated
  return isComparable(condition, seen) && compares(condition, seen) !== isNegated
}

function belongs(key: string, reader: Reader): boolean {
  const segment = reader.environment.segments[key]
  if (!segment) throw new Stop('PARSE_ERROR')
  const seen = readPath(reader, segment.attribute)
  const id = typeof seen === 'string' || typeof seen === 'number' ? String(seen) : undefined
  if (id !== undefined && segment.exclude.includes(id)) return false
  if (id !== undefined && segment.include.includes(id)) return true
  return segment.when !== undefined && holds(segment.when, reader)
}

/** Whether a value is of a type that the operator of a leaf takes. */
export function isComparable({ op, value, values = [] }: Leaf, seen: Json | undefined): boolean {
  switch (op) {
    case 'eq':
      return typeof seen === typeof value
    case 'in':
      return values.length === 0
        ? ['string', 'number', 'boolean'].includes(typeof seen)
        : values.some((operand) => typeof operand === typeof seen)
    case 'hasAny':
    case 'hasAll':
    case 'hasNone':
      return Array.isArray(seen)
    case 'contains':
    case 'startsWith':
    case 'endsWith':
      return typeof seen === 'string'
    default:
      return typeof seen === 'number'
  }
}

function compares({ op, value, values = [] }: Leaf, seen: Json | undefined): boolean {
  const list = Array.isArray(seen) ? seen : []
  const [low, high] = values.map(Number)
  switch (op) {
    case 'eq':
      return seen === value
    case 'in':
      return values.some((operand) => operand === seen)
    case 'contains':
      return values.some((part) => String(seen).split(String(part)).length > 1 || part === '')
    case 'startsWith':
      return values.some((part) => String(seen).slice(0, String(part).length) === part)
    case 'endsWith':
      return values.some((part) => String(seen).slice(String(seen).length - String(part).length) === part)
    case 'gt':
      return Number(seen) > Number(value)
    case 'gte':
      return Number(seen) >= Number(value)
    case 'lt':
    case 'before':
      return Number(seen) < Number(value)
    case 'lte':
      return Number(seen) <= Number(value)
    case 'after':
      return Number(seen) > Number(value)
    case 'between':
      return Number(seen) >= Number(low) && Number(seen) <= Number(high)
    case 'within':
      return Number(seen) >= Number(low) && Number(seen) < Number(high)
    case 'hasAny':
      return values.some((operand) => list.includes(operand))
    case 'hasAll':
      return values.every((operand) => list.includes(operand))
    case 'hasNone':
      return !values.some((operand) => list.includes(operand))
    default:
      throw new Error(`no plain words for ${op}`)
  }
}

function readPath({ context, now }: Reader, path: string): Json | undefined {
  if (path === '$now') return now
  let at: unknown = context
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null || Array.isArray(at)) return undefined
    at = new Map(Object.entries(at)).get(name)
  }
  return at as Json | undefined // a part of a context
}
