/** The data that evaluation works on: one `FlagConfig` is the JSON of one flag line of a snapshot. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

export type ValueType = 'boolean' | 'string' | 'number' | 'json'

export interface Variant {
  readonly key: string
  readonly value: Json
}

export type Operator = 'eq' | 'in' | 'startsWith' | 'gt' | 'lt'

/** A test of one attribute. `attribute` is a path of names joined by dots; `targetingKey` is the top-level one. */
export interface Leaf {
  readonly attribute: string
  readonly op: Operator
  /** The operand of operators that take one value. */
  readonly value?: Json
  /** The operands of operators that take a list: any of them. */
  readonly values?: readonly Json[]
  /** Inverts the comparison. A missing or wrongly typed attribute still does not match. */
  readonly negate?: boolean
}

export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
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
}

export type Serve = { readonly variant: string } | { readonly split: Split }

export interface Rule {
  readonly id: string
  readonly when: Condition
  readonly serve: Serve
}

/** Serves a variant to single contexts, before any rule. */
export interface Override {
  readonly attribute: string
  readonly values: readonly (string | number | boolean)[]
  readonly variant: string
}

export interface FlagConfig {
  readonly valueType: ValueType
  readonly variants: readonly Variant[]
  /** 64 random bits as 16 hex digits, made once with the flag. */
  readonly seed: string
  readonly clientVisible: boolean
  readonly enabled: boolean
  readonly offVariant: string
  readonly overrides: readonly Override[]
  readonly rules: readonly Rule[]
  readonly fallthrough: Serve
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

export interface Metadata {
  readonly ruleId?: string
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
