import type { Answer } from './answer.ts'
import { hashAttribute, type Attribute, type Lack, type Run } from './attribute.ts'
import { bucketOfHash, type Seed } from './bucketing.ts'
import { compileSlot, type Gate } from './gate.ts'
import { bucketCount } from './model.ts'
import {
  isShape,
  readBuckets,
  readList,
  readMoment,
  readShape,
  readText,
  refuse,
  type Shape,
} from './shape.ts'
import { readAt, type Scope } from './world.ts'

/** What serves are compiled for: the answers they can give, and what buckets. */
export interface ServeScope extends Scope {
  readonly seed: Seed
  /** The answer with that variant, which is refused if the flag has none of that key. */
  readonly variantAnswer: (variant: string) => Answer
  readonly splitAnswer: (variant: string) => Answer
  /** The errors of a context that the attribute of that path gives no bucket. */
  readonly unbucketed: (path: string) => Unbucketed
}

/** The error of a context whose bucketing value is missing or invalid. */
export type Unbucketed = (lack: NonNullable<Lack>) => Answer

export type CompiledServe =
  | { readonly kind: 'variant'; readonly answer: Answer }
  | CompiledSplit
  | CompiledRamp

interface Bucketed {
  readonly by: Attribute
  readonly seed: Seed
  readonly unbucketed: Unbucketed
}

export interface CompiledSplit extends Bucketed {
  readonly kind: 'split'
  /** In order, and together all buckets. */
  readonly ranges: readonly SplitRange[]
  readonly last: SplitRange
  /** Whom the split is for, if not for all. */
  readonly slot: Gate | null
  readonly outside: Answer | null
}

export interface CompiledRamp extends Bucketed {
  readonly kind: 'ramp'
  /** In order of time. */
  readonly steps: readonly RampStep[]
  readonly from: { readonly variant: string; readonly answer: Answer }
  readonly to: { readonly variant: string; readonly answer: Answer }
}

/** From `at`, in epoch milliseconds, on. */
export interface RampStep {
  readonly at: number
  readonly share: number
}

/** The buckets from `from` up to, not including, `to`. */
export interface SplitRange {
  readonly variant: string
  readonly from: number
  readonly to: number
  readonly answer: Answer
}

const serveMembers = { variant: new Set(['variant']), split: new Set(['split']), ramp: new Set(['ramp']) }
const splitMembers = new Set(['by', 'weights', 'hash', 'layer', 'outside'])
const weightMembers = new Set(['variant', 'weight'])
const rampMembers = new Set(['by', 'from', 'to', 'steps', 'hash'])
const stepMembers = new Set(['at', 'share'])

/** Compiles a serve. Throws a SyntaxError if it is of another shape or names what does not exist. */
export function compileServe(raw: unknown, scope: ServeScope): CompiledServe {
  if (isShape(raw) && Object.hasOwn(raw, 'split')) {
    return compileSplit(readShape(raw, 'a serve', serveMembers.split)['split'], scope)
  }
  if (isShape(raw) && Object.hasOwn(raw, 'ramp')) {
    return compileRamp(readShape(raw, 'a serve', serveMembers.ramp)['ramp'], scope)
  }
  const { variant } = readShape(raw, 'a serve', serveMembers.variant)
  return { kind: 'variant', answer: scope.variantAnswer(readText(variant, 'the variant of a serve')) }
}

/** The answer of a serve in a run, for a context that any slot has let through. */
export function serve(compiled: CompiledServe, run: Run): Answer {
  if (compiled.kind === 'variant') return compiled.answer
  const lack = hashAttribute(compiled.by, run)
  if (lack !== null) return compiled.unbucketed(lack)
  const bucket = bucketOfHash(compiled.by.hash, compiled.seed)
  if (compiled.kind === 'split') return rangeOf(compiled, bucket).answer
  return bucket < (stepAt(compiled, run.now)?.share ?? 0) ? compiled.to.answer : compiled.from.answer
}

/** The range that a bucket falls into. */
export function rangeOf(split: CompiledSplit, bucket: number): SplitRange {
  const { ranges } = split
  for (let i = 0; i < ranges.length; i++) {
    const range = ranges[i]
    if (range !== undefined && bucket < range.to) return range
  }
  return split.last
}

/** The step of a ramp that is in force; undefined before the first. */
export function stepAt(ramp: CompiledRamp, now: number): RampStep | undefined {
  return ramp.steps.findLast((step) => step.at <= now)
}

function compileSplit(raw: unknown, scope: ServeScope): CompiledSplit {
  const split = readShape(raw, 'a split', splitMembers)
  const ranges = compileRanges(split, scope)
  const last = ranges.at(-1)
  if (last?.to !== bucketCount) refuse(`the weights of a split do not sum to ${bucketCount}`)
  const slot = split['layer'] === undefined ? null : compileSlot(split['layer'], scope)
  const outside = split['outside']
  if (outside !== undefined && !slot) refuse('a split has an outside and no layer')
  return {
    kind: 'split',
    ...compileBucketed(split, scope),
    ranges,
    last,
    slot,
    outside: outside === undefined ? null : scope.splitAnswer(readText(outside, 'the outside of a split')),
  }
}

function compileRanges(split: Shape, scope: ServeScope): SplitRange[] {
  let to = 0
  return readList(split['weights'], 'the weights of a split').map((item) => {
    const weight = readShape(item, 'a weight', weightMembers)
    const variant = readText(weight['variant'], 'the variant of a weight')
    const from = to
    to += readBuckets(weight['weight'], 'a weight')
    return { variant, from, to, answer: scope.splitAnswer(variant) }
  })
}

function compileRamp(raw: unknown, scope: ServeScope): CompiledRamp {
  const ramp = readShape(raw, 'a ramp', rampMembers)
  const side = (name: 'from' | 'to') => {
    const variant = readText(ramp[name], `the "${name}" of a ramp`)
    return { variant, answer: scope.splitAnswer(variant) }
  }
  let last = -Infinity
  const steps = readList(ramp['steps'], 'the steps of a ramp').map((item) => {
    const step = readShape(item, 'a step of a ramp', stepMembers)
    const at = readMoment(step['at'], 'the moment of a step')
    if (at <= last) refuse('the steps of a ramp are not in order of time')
    last = at
    return { at, share: readBuckets(step['share'], 'the share of a step') }
  })
  scope.reach.times.moments.push(...steps.map((step) => step.at))
  return { kind: 'ramp', ...compileBucketed(ramp, scope), steps, from: side('from'), to: side('to') }
}

function compileBucketed(raw: Shape, scope: ServeScope): Bucketed {
  if (raw['hash'] !== undefined && raw['hash'] !== 'xx32') refuse('unknown bucketing function')
  const path = readText(raw['by'], 'the attribute of a split')
  return { by: readAt(scope, path), seed: scope.seed, unbucketed: scope.unbucketed(path) }
}
