import type { Answer } from './answer.ts'
import { attributeAt, hashAttribute, type Attribute, type Attributes, type Run } from './attribute.ts'
import { bucketOfHash, invalidHash, missingHash, type Seed } from './bucketing.ts'
import { bucketCount, type ErrorCode } from './model.ts'
import { readList, readNumber, readShape, readText, refuse, type Shape } from './shape.ts'

/** What serves are compiled for: the answers they can give, and what buckets. */
export interface ServeScope {
  readonly attributes: Attributes
  readonly seed: Seed
  /** The answer with that variant, which is refused if the flag has none of that key. */
  readonly variantAnswer: (variant: string) => Answer
  readonly splitAnswer: (variant: string) => Answer
  readonly errorAnswer: (code: ErrorCode, details: string) => Answer
}

export type CompiledServe = { readonly kind: 'variant'; readonly answer: Answer } | CompiledSplit

export interface CompiledSplit {
  readonly kind: 'split'
  readonly by: Attribute
  readonly seed: Seed
  /** In order, and together all buckets. */
  readonly ranges: readonly SplitRange[]
  readonly last: SplitRange
  readonly missing: Answer
  readonly invalid: Answer
}

/** The buckets from `from` up to, not including, `to`. */
export interface SplitRange {
  readonly variant: string
  readonly from: number
  readonly to: number
  readonly answer: Answer
}

const variantMembers = new Set(['variant'])
const splitServeMembers = new Set(['split'])
const splitMembers = new Set(['by', 'weights', 'hash'])
const weightMembers = new Set(['variant', 'weight'])

/** Compiles a serve. Throws a SyntaxError if it is of another shape or names a variant that does not exist. */
export function compileServe(raw: unknown, scope: ServeScope): CompiledServe {
  if (typeof raw === 'object' && raw !== null && Object.hasOwn(raw, 'split')) {
    return compileSplit(readShape(raw, 'a serve', splitServeMembers)['split'], scope)
  }
  const { variant } = readShape(raw, 'a serve', variantMembers)
  return { kind: 'variant', answer: scope.variantAnswer(readText(variant, 'the variant of a serve')) }
}

/** The answer of a serve in a run. */
export function serve(serve: CompiledServe, run: Run): Answer {
  if (serve.kind === 'variant') return serve.answer
  const hash = hashAttribute(serve.by, run)
  if (hash === missingHash) return serve.missing
  if (hash === invalidHash) return serve.invalid
  return rangeOf(serve, bucketOfHash(hash, serve.seed)).answer
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

function compileSplit(raw: unknown, scope: ServeScope): CompiledSplit {
  const split = readShape(raw, 'a split', splitMembers)
  if (split['hash'] !== undefined && split['hash'] !== 'xx32') refuse('unknown bucketing function')
  const path = readText(split['by'], 'the attribute of a split')
  const ranges = compileRanges(split, scope)
  const last = ranges.at(-1)
  if (last?.to !== bucketCount) refuse(`the weights of a split do not sum to ${bucketCount}`)
  return {
    kind: 'split',
    by: attributeAt(scope.attributes, path),
    seed: scope.seed,
    ranges,
    last,
    missing: scope.errorAnswer('TARGETING_KEY_MISSING', `the context has no "${path}" to bucket by`),
    invalid: scope.errorAnswer('INVALID_CONTEXT', `"${path}" is neither a text nor a number`),
  }
}

function compileRanges(split: Shape, scope: ServeScope): SplitRange[] {
  let to = 0
  return readList(split['weights'], 'the weights of a split').map((item) => {
    const weight = readShape(item, 'a weight', weightMembers)
    const variant = readText(weight['variant'], 'the variant of a weight')
    const share = readNumber(weight['weight'], 'a weight')
    if (!Number.isInteger(share) || share < 0) refuse('a weight is not a whole number')
    const from = to
    to += share
    return { variant, from, to, answer: scope.splitAnswer(variant) }
  })
}
