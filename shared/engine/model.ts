/** The data that evaluation works on: what the lines of a snapshot hold, and what comes out. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

export type ValueType = 'boolean' | 'string' | 'number' | 'json'

export interface Variant {
  readonly key: string
  readonly value: Json
}

/**
 * The comparisons. Operands: `value` is one scalar (`eq`), text (`matches`: an RE2 pattern; `semver…`: a version or a
 * range), number (`gt`, `gte`, `lt`, `lte`, `sizeEq`, `sizeGt`, `sizeLt`) or moment (`before`, `after`); `values` is a
 * list, any of which matches (`in` and `has…`: scalars; `contains`, `startsWith`, `endsWith`: texts; `inCidr`:
 * networks; `weekdayIn`: `monday` to `sunday`; `isType`: `string`, `number`, `boolean`, `list`, `object`), or exactly
 * two items (`between`: both ends belong; `modulo`: divisor, remainder; `within`: moments, the second does not belong;
 * `timeOfDayIn`: `HH:MM` or `HH:MM:SS`, the second does not belong, over midnight if it is the smaller one).
 * `exists` takes none.
 */
export type Operator =
  | 'eq'
  | 'in'
  | 'contains'
  | 'startsWith'
  | 'endsWith'
  | 'matches'
  | 'gt'
  | 'gte'
  | 'lt'
  | 'lte'
  | 'between'
  | 'modulo'
  | 'semverEq'
  | 'semverGt'
  | 'semverGte'
  | 'semverLt'
  | 'semverLte'
  | 'semverRange'
  | 'before'
  | 'after'
  | 'within'
  | 'weekdayIn'
  | 'timeOfDayIn'
  | 'hasAny'
  | 'hasAll'
  | 'hasNone'
  | 'sizeEq'
  | 'sizeGt'
  | 'sizeLt'
  | 'inCidr'
  | 'exists'
  | 'isType'

/** An RFC 3339 text, or epoch milliseconds. */
export type Moment = string | number

/**
 * A test of one attribute. `attribute` is a path of names joined by dots; `targetingKey` is the top-level one, and
 * `$now` is the moment of the evaluation, for the operators of time.
 */
export interface Leaf {
  readonly attribute: string
  readonly op: Operator
  /** The operand of operators that take one value. */
  readonly value?: Json
  /** The operands of operators that take a list. */
  readonly values?: readonly Json[]
  /** Inverts the comparison. A missing or wrongly typed attribute still does not match. */
  readonly negate?: boolean
  /** For `eq`, `in`, `contains`, `startsWith`, `endsWith` and `has…`: texts compare by their folded form. */
  readonly ignoreCase?: boolean
  /** For `weekdayIn` and `timeOfDayIn`: an IANA time zone; UTC if left out. */
  readonly zone?: string
}

/** Whether the context belongs to a segment. */
export interface SegmentLeaf {
  readonly segment: string
}

/** Whether another flag gives one of these variants to the same context. */
export interface FlagLeaf {
  readonly flag: string
  readonly variants: readonly string[]
}

export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | SegmentLeaf
  | FlagLeaf
  | Leaf

/** Shares are in units of 1/100,000 and sum to exactly 100,000. */
export interface Weight {
  readonly variant: string
  readonly weight: number
}

export interface Split {
  /** The attribute whose value is bucketed, usually `targetingKey`. */
  readonly by: string
  readonly weights: readonly Weight[]
  /** The bucketing function. */
  readonly hash?: 'xx32'
  /** Holds only contexts whose bucket in the layer lies in the slot: a rule passes the others on. */
  readonly layer?: { readonly key: string; readonly slot: string }
  /** With `layer`, in a fallthrough: the variant of the contexts outside the slot. */
  readonly outside?: string
}

/** A split of two whose share of `to` follows the clock: 0 before the first step, then that of the last step begun. */
export interface Ramp {
  readonly by: string
  readonly from: string
  readonly to: string
  /** `at` rises from step to step; `share` is in units of 1/100,000. */
  readonly steps: readonly { readonly at: Moment; readonly share: number }[]
  readonly hash?: 'xx32'
}

export type Serve = { readonly variant: string } | { readonly split: Split } | { readonly ramp: Ramp }

/** The share of the matching contexts that take a rule; the others go on to the next. */
export interface Sample {
  readonly by: string
  /** In units of 1/100,000. */
  readonly share: number
  /** 64 random bits as 16 hex digits, the rule's own. */
  readonly seed: string
}

export interface Rule {
  readonly id: string
  readonly when: Condition
  readonly sample?: Sample
  readonly serve: Serve
}

/** Serves a variant to single contexts, before any rule. */
export interface Override {
  readonly attribute: string
  readonly values: readonly (string | number | boolean)[]
  readonly variant: string
  /** From this moment on the override is as if it were not there. */
  readonly until?: Moment
}

/** Another flag that must give one of these variants, or this one is off. */
export interface Prerequisite {
  readonly flag: string
  readonly variants: readonly string[]
}

/** From `at` on the flag gives `variant`. */
export interface Expiry {
  readonly at: Moment
  readonly variant: string
}

/** The JSON of a `flag` line. */
export interface FlagConfig {
  readonly valueType: ValueType
  readonly variants: readonly Variant[]
  /** 64 random bits as 16 hex digits, made once with the flag. */
  readonly seed: string
  readonly clientVisible: boolean
  readonly enabled: boolean
  readonly offVariant: string
  readonly expiry?: Expiry
  readonly prerequisites?: readonly Prerequisite[]
  readonly overrides: readonly Override[]
  readonly rules: readonly Rule[]
  readonly fallthrough: Serve
}

/**
 * The JSON of a `segment` line. A context belongs to it if its id is not excluded, and it is included, is a member, or
 * matches the tree. Ids compare as bucketing values do: a number by its text.
 */
export interface SegmentConfig {
  /** The attribute that holds the id, usually `targetingKey`. */
  readonly attribute: string
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly when?: Condition
  readonly members?: SegmentMembers
}

/** A list of ids too large for a line. */
export interface SegmentMembers {
  /** SHA-256 of the blob in hex digits: `blob.ts` has its format. */
  readonly hash: string
  readonly count: number
  /** What came and went after the blob was made. No id is in both. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** The JSON of a `layer` line: slots share out the buckets among flags, from `from` up to, not including, `to`. */
export interface LayerConfig {
  readonly seed: string
  readonly by: string
  readonly slots: readonly { readonly name: string; readonly from: number; readonly to: number }[]
}

/** What is evaluated for: own properties only, `targetingKey` at the top level. */
export type EvaluationContext = { readonly [name: string]: Json }

/** OpenFeature's reasons that this engine gives. */
export type Reason = 'STATIC' | 'DEFAULT' | 'TARGETING_MATCH' | 'SPLIT' | 'DISABLED' | 'ERROR'

/** OpenFeature's error codes that this engine gives. */
export type ErrorCode =
  | 'FLAG_NOT_FOUND'
  | 'PARSE_ERROR'
  | 'TARGETING_KEY_MISSING'
  | 'INVALID_CONTEXT'
  | 'GENERAL'

/** What reasons cannot say. Class client is told `expired` alone. */
export interface Metadata {
  readonly ruleId?: string
  /** The flag is past its expiry. */
  readonly expired?: true
  /** The key of the prerequisite that was not met. */
  readonly prerequisite?: string
}

export interface Resolution {
  readonly key: string
  readonly value: Json
  readonly variant: string
  readonly reason: Exclude<Reason, 'ERROR'>
  readonly metadata: Metadata
}

/** An error result has no value and no variant, so that every client gives its caller's default. */
export interface EvaluationError {
  readonly key: string
  readonly reason: 'ERROR'
  readonly errorCode: ErrorCode
  readonly errorDetails: string
  readonly metadata: Metadata
}

export type Decision = Resolution | EvaluationError

/** The number of buckets: a share is a number of these. */
export const bucketCount = 100_000
