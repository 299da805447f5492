import { makeNotFound, type Answer } from './answer.ts'
import { readAttribute, startRun, type Attribute, type Run } from './attribute.ts'
import { bucketOfHash, hashOf } from './bucketing.ts'
import type { CompiledCondition } from './condition.ts'
import type { CompiledFlag } from './flag.ts'
import type { Decision, ErrorCode, EvaluationContext, Json } from './model.ts'
import { rangeOf, serve, type CompiledServe, type CompiledSplit } from './serve.ts'
import type { Shape } from './shape.ts'
import { compiledFlag, type Snapshot } from './snapshot.ts'

/** What was tried, in order. `seen` is absent where the context has no such value. */
export type Step =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unreadable'; readonly details: string }
  | { readonly kind: 'switch'; readonly enabled: boolean }
  | ({ readonly kind: 'override'; readonly index: number; readonly matched: boolean } & Seen)
  | {
      readonly kind: 'rule'
      readonly ruleId: string
      readonly matched: boolean
      readonly when: ConditionTrace
    }
  | { readonly kind: 'fallthrough' }
  | ({ readonly kind: 'bucket'; readonly bucket: number; readonly range: BucketRange } & Seen)
  | ({ readonly kind: 'unbucketed'; readonly errorCode: ErrorCode } & Seen)

export interface Seen {
  readonly attribute: string
  readonly seen?: Json
}

/** The buckets from `from` up to, not including, `to`. */
export interface BucketRange {
  readonly variant: string
  readonly from: number
  readonly to: number
}

/** `parts` are those that were tried before the outcome was clear. `leaf` is the leaf's definition. */
export type ConditionTrace =
  | { readonly kind: 'all' | 'any'; readonly matched: boolean; readonly parts: readonly ConditionTrace[] }
  | { readonly kind: 'not'; readonly matched: boolean; readonly part: ConditionTrace }
  | ({ readonly kind: 'leaf'; readonly matched: boolean; readonly leaf: Shape } & Seen)

export interface Explanation {
  readonly decision: Decision
  readonly trace: readonly Step[]
}

/** The decision of `evaluate`, and what led to it. For readers that may see rules: never for class client. */
export function explain(
  snapshot: Snapshot,
  key: string,
  context: EvaluationContext,
  now: number,
): Explanation {
  const entry = snapshot.flags.get(key)
  if (entry === undefined) return { decision: makeNotFound(key), trace: [{ kind: 'unknown' }] }
  startRun(snapshot.run, context, now)
  const trace: Step[] = []
  const answer = traceFlag(compiledFlag(snapshot, entry), snapshot.run, trace)
  return { decision: answer.full, trace }
}

function traceFlag(flag: CompiledFlag, run: Run, trace: Step[]): Answer {
  if (flag.kind === 'fixed') {
    trace.push(...fixedSteps(flag))
    return flag.answer
  }
  trace.push({ kind: 'switch', enabled: true })
  for (const [index, override] of flag.overrides.entries()) {
    const matched = override.values.has(readAttribute(override.attribute, run))
    trace.push({ kind: 'override', index, matched, ...see(override.attribute, run) })
    if (matched) return override.answer
  }
  for (const rule of flag.rules) {
    const when = traceCondition(rule.when, run)
    trace.push({ kind: 'rule', ruleId: rule.id, matched: when.matched, when })
    if (when.matched) return traceServe(rule.serve, run, trace)
  }
  trace.push({ kind: 'fallthrough' })
  return traceServe(flag.fallthrough, run, trace)
}

function fixedSteps(flag: Extract<CompiledFlag, { kind: 'fixed' }>): Step[] {
  const { full } = flag.answer
  switch (flag.because) {
    case 'unreadable':
      return [{ kind: 'unreadable', details: full.reason === 'ERROR' ? full.errorDetails : '' }]
    case 'disabled':
      return [{ kind: 'switch', enabled: false }]
    case 'untargeted':
      return [{ kind: 'switch', enabled: true }, { kind: 'fallthrough' }]
  }
  return flag.because satisfies never
}

function traceCondition(condition: CompiledCondition, run: Run): ConditionTrace {
  switch (condition.kind) {
    case 'leaf': {
      const { leaf, attribute } = condition
      return { kind: 'leaf', matched: condition.test(run), leaf, ...see(attribute, run) }
    }
    case 'not': {
      const part = traceCondition(condition.part, run)
      return { kind: 'not', matched: !part.matched, part }
    }
    case 'all':
    case 'any':
      return traceParts(condition.kind, condition.parts, run)
  }
  return condition satisfies never
}

/** An `all` ends at the first part that does not match, an `any` at the first that does. */
function traceParts(kind: 'all' | 'any', conditions: readonly CompiledCondition[], run: Run): ConditionTrace {
  const decisive = kind === 'any'
  const parts: ConditionTrace[] = []
  for (const condition of conditions) {
    const part = traceCondition(condition, run)
    parts.push(part)
    if (part.matched === decisive) return { kind, matched: decisive, parts }
  }
  return { kind, matched: !decisive, parts }
}

function traceServe(compiled: CompiledServe, run: Run, trace: Step[]): Answer {
  const answer = serve(compiled, run)
  if (compiled.kind === 'split') trace.push(splitStep(compiled, answer.full, run))
  return answer
}

function splitStep(split: CompiledSplit, decision: Decision, run: Run): Step {
  const seen = see(split.by, run)
  if (decision.reason === 'ERROR') return { kind: 'unbucketed', errorCode: decision.errorCode, ...seen }
  const bucket = bucketOfHash(hashOf(seen.seen), split.seed)
  const { variant, from, to } = rangeOf(split, bucket)
  return { kind: 'bucket', bucket, range: { variant, from, to }, ...seen }
}

function see(attribute: Attribute, run: Run): Seen {
  const seen = readAttribute(attribute, run)
  return seen === undefined ? { attribute: attribute.path } : { attribute: attribute.path, seen }
}
