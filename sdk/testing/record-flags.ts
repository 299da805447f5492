import type { AnyFlags } from '../client/flag-types.ts'
import type { EvaluationContext, EvaluationDetails, Flags, Json } from '../client/flags.ts'

/** What was asked for and given. With an error, `value` is the caller's default. */
export interface Evaluation {
  readonly key: string
  readonly context: EvaluationContext
  readonly value: Json
  readonly variant?: string
  readonly reason: string
  readonly errorCode?: string
}

type Call<T extends Json> = (key: string, defaultValue: T, context?: EvaluationContext) => T
type DetailsCall<T extends Json> = (
  key: string,
  defaultValue: T,
  context?: EvaluationContext,
) => EvaluationDetails<T>

/**
 * Flags whose single evaluations are recorded; `all` and `explain` ask for nothing in particular and are not. `base` is what the context of a call is merged
 * over.
 */
export function recordFlags<F extends object = AnyFlags>(
  flags: Flags<F>,
  base: EvaluationContext,
  record: (evaluation: Evaluation) => void,
): Flags<F> {
  const recording = makeRecording(flags as unknown as Flags, base, record) // F narrows calls, at compile time alone
  return recording as unknown as Flags<F>
}

function makeRecording(flags: Flags, base: EvaluationContext, record: (evaluation: Evaluation) => void) {
  const keep = <D extends EvaluationDetails<Json>>(details: D, context: EvaluationContext | undefined): D => {
    const { flagKey: key, value, variant, reason, errorCode } = details
    record({
      key,
      context: { ...base, ...context },
      value,
      reason,
      ...(variant !== undefined && { variant }),
      ...(errorCode !== undefined && { errorCode }),
    })
    return details
  }
  const recorded =
    <T extends Json>(call: DetailsCall<T>): DetailsCall<T> =>
    (key, defaultValue, context) =>
      keep(call(key, defaultValue, context), context)
  const booleanDetails = recorded<boolean>(flags.booleanDetails)
  const stringDetails = recorded<string>(flags.stringDetails)
  const numberDetails = recorded<number>(flags.numberDetails)
  const jsonDetails = recorded<Json>(flags.jsonDetails)
  return {
    ...flags,
    booleanDetails,
    stringDetails,
    numberDetails,
    jsonDetails,
    boolean: valueOf(booleanDetails),
    string: valueOf(stringDetails),
    number: valueOf(numberDetails),
    json: valueOf(jsonDetails),
    isEnabled: (key: string, context?: EvaluationContext) => booleanDetails(key, false, context).value,
    variant: (key: string, context?: EvaluationContext) =>
      keep(flags.explain(key, context).details, context).variant,
  }
}

function valueOf<T extends Json>(call: DetailsCall<T>): Call<T> {
  return (key, defaultValue, context) => call(key, defaultValue, context).value
}
