import type { Step } from '@halyard/shared/engine/explain.ts'
import type { Json, Reason } from '@halyard/shared/engine/model.ts'
import type { ErrorCode as EngineErrorCode } from '@halyard/shared/engine/model.ts'
import type { AnyFlags, JsonKeysOf, JsonOf, KeysOf, TextOf } from './flag-types.ts'

export type { Json, Reason }

/** What an attribute may be: a `Date` counts as its ISO 8601 text, `undefined` as not there. */
export type ContextValue = Json | Date | undefined | { readonly [name: string]: ContextValue }

/** What is evaluated for. `targetingKey` names the user, or whatever else is told apart. */
export interface EvaluationContext {
  readonly targetingKey?: string | undefined
  readonly [name: string]: ContextValue
}

/** OpenFeature's error codes that a client gives. `PROVIDER_NOT_READY`: it holds no flags yet. */
export type ErrorCode = EngineErrorCode | 'TYPE_MISMATCH' | 'PROVIDER_NOT_READY'

/** What OpenFeature calls evaluation details. With an `errorCode`, `value` is the caller's default. */
export interface EvaluationDetails<T> {
  readonly flagKey: string
  readonly value: T
  readonly variant?: string
  readonly reason: Reason
  readonly errorCode?: ErrorCode
  readonly errorMessage?: string
  readonly flagMetadata: Readonly<Record<string, string | boolean>>
}

/** Why a context gets what it gets. */
export interface Explanation {
  readonly details: EvaluationDetails<Json>
  /** Each step in order, with what it saw. */
  readonly trace: readonly Step[]
  /** The same in words, one line a step. */
  readonly text: readonly string[]
}

/**
 * Evaluation. Nothing here throws, waits or sends: a flag that is missing, broken or of another type gives the default
 * value, and the details say why. So does a context that throws where it is read (GENERAL).
 */
export interface Flags<F extends object = AnyFlags> {
  /** The version evaluated on, as a token `epoch.version`; null if there are no flags yet, or they have no version. */
  readonly version: string | null
  boolean(key: KeysOf<F, boolean>, defaultValue: boolean, context?: EvaluationContext): boolean
  string<K extends KeysOf<F, string>>(
    key: K,
    defaultValue: TextOf<F, K>,
    context?: EvaluationContext,
  ): TextOf<F, K>
  number(key: KeysOf<F, number>, defaultValue: number, context?: EvaluationContext): number
  /** Whatever a flag of type json gives, null and plain values too. It is frozen and shared: copy it before you change it. */
  json<K extends JsonKeysOf<F>, T extends Json>(
    key: K,
    defaultValue: JsonOf<F, K, T>,
    context?: EvaluationContext,
  ): JsonOf<F, K, T>
  booleanDetails(
    key: KeysOf<F, boolean>,
    defaultValue: boolean,
    context?: EvaluationContext,
  ): EvaluationDetails<boolean>
  stringDetails<K extends KeysOf<F, string>>(
    key: K,
    defaultValue: TextOf<F, K>,
    context?: EvaluationContext,
  ): EvaluationDetails<TextOf<F, K>>
  numberDetails(
    key: KeysOf<F, number>,
    defaultValue: number,
    context?: EvaluationContext,
  ): EvaluationDetails<number>
  jsonDetails<K extends JsonKeysOf<F>, T extends Json>(
    key: K,
    defaultValue: JsonOf<F, K, T>,
    context?: EvaluationContext,
  ): EvaluationDetails<JsonOf<F, K, T>>
  /** Whether a boolean flag gives true; false for any other flag and on every error. */
  isEnabled(key: KeysOf<F, boolean>, context?: EvaluationContext): boolean
  /** The key of the variant that the context gets; undefined on every error. */
  variant(key: keyof F & string, context?: EvaluationContext): string | undefined
  /** Every flag for one context, by key. Those in error are there with their code and a null value. */
  all(context?: EvaluationContext): Readonly<Record<string, EvaluationDetails<Json>>>
  /** Every step that led to an answer. Slow, and not counted as an evaluation. */
  explain(key: keyof F & string, context?: EvaluationContext): Explanation
}
