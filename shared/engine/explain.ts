import { makeNotFound, type Answer } from './answer.ts'
import { readAttribute, startRun, type Run } from './attribute.ts'
import { bucketOfHash } from './bucketing.ts'
import {
  isMet,
  serveFallthrough,
  takeFault,
  type CompiledFlag,
  type CompiledPrerequisite,
  type CompiledRule,
  type FixedFlag,
  type Guard,
  type TargetedFlag,
} from './flag.ts'
import { pass, type Gate } from './gate.ts'
import { bucketCount, type Decision, type ErrorCode, type EvaluationContext } from './model.ts'
import { rangeOf, serve, stepAt, type CompiledRamp, type CompiledServe, type CompiledSplit } from './serve.ts'
import { compiledFlag, findFlag, type Snapshot } from './snapshot.ts'
import type { SegmentEntry } from './world.ts'
import { see, traceCondition, type ConditionTrace, type Seen } from './trace-condition.ts'

/** What was tried, in order. Moments are epoch milliseconds, shares and buckets of 100,000. */
export type Step =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unreadable'; readonly details: string }
  | { readonly kind: 'switch'; readonly enabled: boolean }
  | { readonly kind: 'expiry'; readonly at: number; readonly expired: boolean }
  | {
      readonly kind: 'prerequisite'
      readonly flag: string
      readonly variants: readonly string[]
      readonly met: boolean
      /** What the flag gave; nothing if there is no such flag. */
      readonly reason?: string
      readonly variant?: string
      readonly errorCode?: ErrorCode
    }
  | ({
      readonly kind: 'override'
      readonly index: number
      readonly matched: boolean
      /** It names the context, but its end has passed. */
      readonly expired?: true
    } & Seen)
  | {
      readonly kind: 'rule'
      readonly ruleId: string
      readonly matched: boolean
      readonly when: ConditionTrace
    }
  | ({
      readonly kind: 'sample'
      readonly ruleId: string
      readonly taken: boolean
      readonly share: number
      readonly bucket: number
    } & Seen)
  | ({
      readonly kind: 'slot'
      /** Absent in the fallthrough. */
      readonly ruleId?: string
      readonly layer: string
      readonly slot: string
      readonly taken: boolean
      readonly bucket: number
      readonly range: { readonly from: number; readonly to: number }
    } & Seen)
  | { readonly kind: 'fallthrough' }
  | { readonly kind: 'ramp'; readonly at?: number; readonly share: number }
  | ({ readonly kind: 'bucket'; readonly bucket: number; readonly range: BucketRange } & Seen)
  | ({ readonly kind: 'unbucketed'; readonly errorCode: ErrorCode } & Seen)
  | { readonly kind: 'fault'; readonly errorCode: ErrorCode; readonly details: string }

/** The buckets from `from` up to, not including, `to`. */
export interface BucketRange {
  readonly variant: string
  readonly from: number
  readonly to: number
}

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
  const entry = findFlag(snapshot, key)
  if (entry === undefined) return { decision: makeNotFound(key), trace: [{ kind: 'unknown' }] }
  startRun(snapshot.run, context, now)
  const trace: Step[] = []
  const answer = traceFlag(compiledFlag(snapshot, entry), snapshot, trace)
  return { decision: answer.full, trace }
}

function traceFlag(flag: CompiledFlag, snapshot: Snapshot, trace: Step[]): Answer {
  if (flag.kind === 'fixed') {
    trace.push(...fixedSteps(flag))
    return flag.answer
  }
  trace.push({ kind: 'switch', enabled: true })
  const { run } = snapshot
  return (
    (flag.guard && traceGuard(flag.guard, snapshot, trace)) ??
    traceOverrides(flag, run, trace) ??
    traceRules(flag, snapshot, trace) ??
    traceFallthrough(flag.fallthrough, run, trace)
  )
}

function fixedSteps({ because, answer: { full } }: FixedFlag): Step[] {
  switch (because) {
    case 'unreadable':
      return [{ kind: 'unreadable', details: full.reason === 'ERROR' ? full.errorDetails : '' }]
    case 'disabled':
      return [{ kind: 'switch', enabled: false }]
    case 'untargeted':
      return [{ kind: 'switch', enabled: true }, { kind: 'fallthrough' }]
  }
  return because satisfies never
}

function traceGuard({ expiry, prerequisites }: Guard, snapshot: Snapshot, trace: Step[]): Answer | null {
  if (expiry) {
    const expired = snapshot.run.now >= expiry.at
    trace.push({ kind: 'expiry', at: expiry.at, expired })
    if (expired) return expiry.answer
  }
  for (const prerequisite of prerequisites) {
    const step = prerequisiteStep(prerequisite, snapshot)
    trace.push(step)
    if (!step.met) return prerequisite.unmet
  }
  return null
}

function prerequisiteStep(prerequisite: CompiledPrerequisite, { run, world }: Snapshot) {
  const { key, variants, entry } = prerequisite
  const given = entry && world.decideFlag(entry, run).full
  return {
    kind: 'prerequisite',
    flag: key,
    variants: [...variants],
    met: isMet(prerequisite, run, world),
    ...(given && { reason: given.reason }),
    ...(given && given.reason !== 'ERROR' && { variant: given.variant }),
    ...(given?.reason === 'ERROR' && { errorCode: given.errorCode }),
  } as const
}

function traceOverrides({ overrides }: TargetedFlag, run: Run, trace: Step[]): Answer | null {
  for (const [index, { attribute, values, until, answer }] of overrides.entries()) {
    const isNamed = values.has(readAttribute(attribute, run))
    const matched = isNamed && run.now < until
    const expired = isNamed && !matched && { expired: true as const }
    trace.push({ kind: 'override', index, matched, ...expired, ...see(attribute, run) })
    if (matched) return answer
  }
  return null
}

function traceRules(flag: TargetedFlag, { run, world }: Snapshot, trace: Step[]): Answer | null {
  const tracer = { run, world, told: new Set<SegmentEntry>() }
  for (const rule of flag.rules) {
    const when = traceCondition(rule.when, tracer)
    trace.push({ kind: 'rule', ruleId: rule.id, matched: when.matched, when })
    if (run.fault !== null) {
      trace.push({ kind: 'fault', errorCode: run.fault.code, details: run.fault.details })
      return takeFault(flag, run)
    }
    const answer = when.matched ? traceServed(rule, run, trace) : null
    if (answer) return answer
  }
  return null
}

/** The answer of a rule that matched, or null if it does not take the context. */
function traceServed({ id, gates, serve }: CompiledRule, run: Run, trace: Step[]): Answer | null {
  for (const gate of gates) {
    const passed = pass(gate, run)
    trace.push(gateStep(gate, passed, run, id))
    if (passed !== true) return passed === false ? null : passed
  }
  return traceServe(serve, run, trace)
}

function traceFallthrough(fallthrough: CompiledServe, run: Run, trace: Step[]): Answer {
  trace.push({ kind: 'fallthrough' })
  if (fallthrough.kind === 'split' && fallthrough.slot) {
    const passed = pass(fallthrough.slot, run)
    trace.push(gateStep(fallthrough.slot, passed, run))
    if (passed !== true) return serveFallthrough(fallthrough, run)
  }
  return traceServe(fallthrough, run, trace)
}

// oxlint-disable-next-line max-params -- the last is absent in the fallthrough
function gateStep(gate: Gate, passed: boolean | Answer, run: Run, ruleId?: string): Step {
  const { slot, by, seed, from, to } = gate
  const seen = see(by, run)
  if (typeof passed !== 'boolean') return unbucketed(passed.full, seen)
  const bucket = bucketOfHash(by.hash, seed)
  if (!slot) return { kind: 'sample', ruleId: ruleId ?? '', taken: passed, share: to, bucket, ...seen }
  const rule = ruleId !== undefined && { ruleId }
  const range = { from, to }
  return { kind: 'slot', ...rule, layer: slot.layer, slot: slot.name, taken: passed, bucket, range, ...seen }
}

function traceServe(compiled: CompiledServe, run: Run, trace: Step[]): Answer {
  const answer = serve(compiled, run)
  if (compiled.kind === 'variant') return answer
  const seen = see(compiled.by, run)
  if (compiled.kind === 'ramp') trace.push(rampStep(compiled, run))
  if (answer.full.reason === 'ERROR') trace.push(unbucketed(answer.full, seen))
  else {
    const bucket = bucketOfHash(compiled.by.hash, compiled.seed)
    trace.push({ kind: 'bucket', bucket, range: rangeAt(compiled, bucket, run), ...seen })
  }
  return answer
}

function rampStep(ramp: CompiledRamp, run: Run): Step {
  const step = stepAt(ramp, run.now)
  return step ? { kind: 'ramp', at: step.at, share: step.share } : { kind: 'ramp', share: 0 }
}

function rangeAt(compiled: CompiledSplit | CompiledRamp, bucket: number, run: Run): BucketRange {
  if (compiled.kind === 'split') {
    const { variant, from, to } = rangeOf(compiled, bucket)
    return { variant, from, to }
  }
  const share = stepAt(compiled, run.now)?.share ?? 0
  if (bucket < share) return { variant: compiled.to.variant, from: 0, to: share }
  return { variant: compiled.from.variant, from: share, to: bucketCount }
}

function unbucketed(decision: Decision, seen: Seen): Step {
  const errorCode = decision.reason === 'ERROR' ? decision.errorCode : 'GENERAL'
  return { kind: 'unbucketed', errorCode, ...seen }
}
