/** Evaluation for users: typed, with their default for whatever goes wrong. */
import { makeNotFound, type Answer } from '@halyard/shared/engine/answer.ts'
import { answerAll, answerOne, evaluate } from '@halyard/shared/engine/evaluate.ts'
import { explain } from '@halyard/shared/engine/explain.ts'
import type {
  Decision,
  EvaluationContext as EngineContext,
  Json,
  Resolution,
} from '@halyard/shared/engine/model.ts'
import { findFlag, type Snapshot } from '@halyard/shared/engine/snapshot.ts'
import { countAnswer, type Tally } from '@halyard/shared/engine/tally.ts'
import { describeTrace } from '@halyard/shared/words/describe-trace.ts'
import { decideAllSafely, makeFailed } from './decide-safely.ts'
import type { AnyFlags } from './flag-types.ts'
import type { ErrorCode, EvaluationContext, EvaluationDetails, Explanation, Flags } from './flags.ts'

/** Flags of one version. What it answers is counted in its tally. */
export interface FlagView {
  readonly snapshot: Snapshot
  /** As a token; null for flags that have no version, such as those of a file. */
  readonly version: string | null
  readonly tally: Tally
}

export interface FlagsPorts {
  /** What to evaluate on; null: there is nothing yet. */
  readonly view: () => FlagView | null
  /** Epoch milliseconds. */
  readonly now: () => number
  /** What every call's context is merged over. */
  readonly context?: EvaluationContext | undefined
}

const emptyContext: EngineContext = Object.freeze({})
const noMetadata = Object.freeze({})

/** Makes the evaluating part of a client. */
export function makeFlags<F extends object = AnyFlags>(ports: FlagsPorts): Flags<F> {
  const flags = makeUntyped(ports)
  return flags as unknown as Flags<F> // F narrows the keys and values of calls, at compile time alone
}

/**
 * What a call's context makes over another. The engine reads `undefined` and `Date` as users' contexts have them, at
 * the attributes that it reads, so that nothing is copied here.
 */
export function mergeContexts(
  base: EvaluationContext | undefined,
  context: EvaluationContext | undefined,
): EngineContext {
  const merged = base === undefined ? context : context === undefined ? base : { ...base, ...context }
  return (merged ?? emptyContext) as EngineContext // see above
}

type Kind = 'boolean' | 'string' | 'number' | 'json'

function makeUntyped(ports: FlagsPorts) {
  const value = (
    kind: Kind,
    key: string,
    defaultValue: Json,
    context: EvaluationContext | undefined,
  ): Json => {
    const view = ports.view()
    if (view === null) return defaultValue
    try {
      const decision = answerFrom(ports, view, key, context)?.full
      return decision !== undefined && decision.reason !== 'ERROR' && isOf(kind, decision, view)
        ? decision.value
        : defaultValue
    } catch {
      return defaultValue // the context throws, as the details say
    }
  }
  const details = (kind: Kind, key: string, defaultValue: Json, context: EvaluationContext | undefined) =>
    detailsOf(decide(ports, key, context), { kind, key, defaultValue }, ports.view())
  return {
    get version() {
      return ports.view()?.version ?? null
    },
    boolean: (key: string, defaultValue: boolean, context?: EvaluationContext) =>
      value('boolean', key, defaultValue, context),
    string: (key: string, defaultValue: string, context?: EvaluationContext) =>
      value('string', key, defaultValue, context),
    number: (key: string, defaultValue: number, context?: EvaluationContext) =>
      value('number', key, defaultValue, context),
    json: (key: string, defaultValue: Json, context?: EvaluationContext) =>
      value('json', key, defaultValue, context),
    booleanDetails: (key: string, defaultValue: boolean, context?: EvaluationContext) =>
      details('boolean', key, defaultValue, context),
    stringDetails: (key: string, defaultValue: string, context?: EvaluationContext) =>
      details('string', key, defaultValue, context),
    numberDetails: (key: string, defaultValue: number, context?: EvaluationContext) =>
      details('number', key, defaultValue, context),
    jsonDetails: (key: string, defaultValue: Json, context?: EvaluationContext) =>
      details('json', key, defaultValue, context),
    isEnabled: (key: string, context?: EvaluationContext) => value('boolean', key, false, context),
    variant: (key: string, context?: EvaluationContext) => {
      const decision = decide(ports, key, context)
      return decision === null || decision.reason === 'ERROR' ? undefined : decision.variant
    },
    all: (context?: EvaluationContext) => allOf(ports, context),
    explain: (key: string, context?: EvaluationContext) => explainOne(ports, key, context),
  }
}

/** Null: there is nothing to evaluate on. */
function decide(ports: FlagsPorts, key: string, context: EvaluationContext | undefined): Decision | null {
  const view = ports.view()
  try {
    return view === null ? null : (answerFrom(ports, view, key, context)?.full ?? makeNotFound(key))
  } catch (cause) {
    return makeFailed(key, cause) // the caller's default will do
  }
}

/** Counted. Undefined: there is no such flag. */
function answerFrom(
  ports: FlagsPorts,
  view: FlagView,
  key: string,
  context: EvaluationContext | undefined,
): Answer | undefined {
  const answer = answerOne(view.snapshot, key, mergeContexts(ports.context, context), ports.now)
  if (answer !== undefined) countAnswer(view.tally, answer)
  return answer
}

function allOf(ports: FlagsPorts, context: EvaluationContext | undefined) {
  const view = ports.view()
  const all: Record<string, EvaluationDetails<Json>> = Object.create(null) // a flag may be called `__proto__`
  if (view === null) return all
  const now = ports.now()
  const { snapshot } = view
  const decisions = decideAllSafely(
    snapshot,
    () => answerAll(snapshot, mergeContexts(ports.context, context), now).map(({ full }) => full),
    (key) => evaluate(snapshot, key, mergeContexts(ports.context, context), now),
  )
  for (const decision of decisions)
    all[decision.key] = detailsOf(decision, { kind: null, key: decision.key, defaultValue: null }, view)
  return all
}

function explainOne(ports: FlagsPorts, key: string, context: EvaluationContext | undefined): Explanation {
  const asked = { kind: null, key, defaultValue: null }
  const view = ports.view()
  const untold = (decision: Decision | null, why: string): Explanation => {
    return { details: detailsOf(decision, asked, view), trace: [], text: [why] }
  }
  if (view === null) return untold(null, 'there are no flags yet')
  try {
    const merged = mergeContexts(ports.context, context)
    const { decision, trace } = explain(view.snapshot, key, merged, ports.now())
    const text = describeTrace(trace, decision, new Map())
    return { details: detailsOf(decision, asked, view), trace, text }
  } catch (cause) {
    const failed = makeFailed(key, cause)
    return untold(failed, failed.errorDetails)
  }
}

interface Asked {
  /** Null: any will do. */
  readonly kind: Kind | null
  readonly key: string
  readonly defaultValue: Json
}

function detailsOf(decision: Decision | null, asked: Asked, view: FlagView | null): EvaluationDetails<Json> {
  const { kind, key } = asked
  if (decision === null) return errorOf(asked, 'PROVIDER_NOT_READY', 'there are no flags yet')
  if (decision.reason === 'ERROR') return errorOf(asked, decision.errorCode, decision.errorDetails)
  const { value, variant, reason, metadata } = decision
  if (kind !== null && !isOf(kind, decision, view))
    return errorOf(asked, 'TYPE_MISMATCH', `the flag gives ${nameOf(value)}, and ${kind} was asked for`)
  return { flagKey: key, value, variant, reason, flagMetadata: { ...metadata } }
}

function errorOf(
  { key, defaultValue }: Asked,
  errorCode: ErrorCode,
  errorMessage: string,
): EvaluationDetails<Json> {
  return {
    flagKey: key,
    value: defaultValue,
    reason: 'ERROR',
    errorCode,
    errorMessage,
    flagMetadata: noMetadata,
  }
}

/** A flag of type json may give anything, also what another type gives. */
function isOf(kind: Kind, { key, value }: Resolution, view: FlagView | null): boolean {
  return typeof value === kind || (kind === 'json' && (typeof value === 'object' || isJsonFlag(view, key)))
}

/** As the compiler writes it. A flag of another type has no member of that name but its own. */
function isJsonFlag(view: FlagView | null, key: string): boolean {
  return view !== null && findFlag(view.snapshot, key)?.line.includes('"valueType":"json"') === true
}

function nameOf(value: Json): string {
  return typeof value === 'object' ? 'json' : typeof value
}
