import { readAttribute, type Attribute, type Run } from './attribute.ts'
import type { CompiledCondition } from './condition.ts'
import type { ErrorCode, Json } from './model.ts'
import type { SegmentRules } from './segment.ts'
import type { Shape } from './shape.ts'
import type { Membership, SegmentEntry, World } from './world.ts'

/** `seen` is absent where the context has no such value. */
export interface Seen {
  readonly attribute: string
  readonly seen?: Json
}

/**
 * `parts` are those that were tried before the outcome was clear. `leaf` is the leaf's definition. A fault ends the
 * whole: what met it says which.
 */
export type ConditionTrace =
  | { readonly kind: 'all' | 'any'; readonly matched: boolean; readonly parts: readonly ConditionTrace[] }
  | { readonly kind: 'not'; readonly matched: boolean; readonly part: ConditionTrace }
  | ({ readonly kind: 'leaf'; readonly matched: boolean; readonly leaf: Shape } & Seen)
  | SegmentTrace
  | FlagTrace

export interface SegmentTrace {
  readonly kind: 'segment'
  readonly matched: boolean
  readonly segment: string
  readonly because: Membership['because']
  /** The attribute that holds the id; absent if the segment cannot be read. */
  readonly attribute?: string
  readonly seen?: Json
  /** The tree, where it was tried. */
  readonly when?: ConditionTrace
  readonly fault?: string
}

export interface FlagTrace {
  readonly kind: 'flag'
  readonly matched: boolean
  readonly flag: string
  readonly variants: readonly string[]
  /** What the flag gave; nothing if there is no such flag. */
  readonly reason?: string
  readonly variant?: string
  readonly errorCode?: ErrorCode
  readonly fault?: string
}

/** One explanation. A segment's tree is told once, however often it is asked for. */
export interface Tracer {
  readonly run: Run
  readonly world: World
  readonly told: Set<SegmentEntry>
}

/** Decides a condition as its `test` does, and notes the way. A fault stays in the run. */
export function traceCondition(condition: CompiledCondition, tracer: Tracer): ConditionTrace {
  const { run } = tracer
  switch (condition.kind) {
    case 'leaf': {
      const { leaf, attribute } = condition
      return { kind: 'leaf', matched: condition.test(run), leaf, ...see(attribute, run) }
    }
    case 'segment':
      return traceSegmentLeaf(condition, tracer)
    case 'flag':
      return traceFlagLeaf(condition, tracer)
    case 'not': {
      const part = traceCondition(condition.part, tracer)
      return { kind: 'not', matched: !part.matched && run.fault === null, part }
    }
    case 'all':
    case 'any':
      return traceParts(condition, tracer)
  }
  return condition satisfies never
}

export function see(attribute: Attribute, run: Run): Seen {
  const seen = readAttribute(attribute, run)
  return seen === undefined ? { attribute: attribute.path } : { attribute: attribute.path, seen }
}

/** An `all` ends at the first part that does not match, an `any` at the first that does, and both at a fault. */
function traceParts(
  { kind, parts: conditions }: Extract<CompiledCondition, { kind: 'all' | 'any' }>,
  tracer: Tracer,
): ConditionTrace {
  const decisive = kind === 'any'
  const parts: ConditionTrace[] = []
  for (const condition of conditions) {
    const part = traceCondition(condition, tracer)
    parts.push(part)
    if (tracer.run.fault !== null) return { kind, matched: false, parts }
    if (part.matched === decisive) return { kind, matched: decisive, parts }
  }
  return { kind, matched: !decisive, parts }
}

function traceSegmentLeaf(
  { key, entry, test }: Extract<CompiledCondition, { kind: 'segment' }>,
  tracer: Tracer,
): SegmentTrace {
  const { run, world } = tracer
  const matched = test(run)
  const because = entry ? world.testSegment(entry, run).because : 'fault'
  const { fault } = run
  const base = { kind: 'segment', matched, segment: key, because } as const
  return {
    ...base,
    ...(entry && traceSegment(entry, because, tracer)),
    ...(fault && { fault: fault.details }),
  }
}

function traceSegment(
  entry: SegmentEntry,
  because: Membership['because'],
  tracer: Tracer,
): Partial<SegmentTrace> {
  const rules = entry.compiled?.rules
  if (!rules) return {}
  const { run, told } = tracer
  const seen = see(rules.attribute, run)
  const isTried = because === 'tree' || because === 'none' || (because === 'fault' && !lacksMembers(rules))
  if (!rules.when || !isTried || told.has(entry)) return seen
  told.add(entry)
  const { fault } = run
  run.fault = null
  const when = traceCondition(rules.when, tracer)
  run.fault = fault
  return { ...seen, when }
}

function lacksMembers({ members }: SegmentRules): boolean {
  return members !== null && members.blob === null
}

function traceFlagLeaf(
  { key, variants, entry, test }: Extract<CompiledCondition, { kind: 'flag' }>,
  { run, world }: Tracer,
): FlagTrace {
  const matched = test(run)
  const given = entry && world.decideFlag(entry, run).full
  return {
    kind: 'flag',
    matched,
    flag: key,
    variants: [...variants],
    ...(given && { reason: given.reason }),
    ...(given && given.reason !== 'ERROR' && { variant: given.variant }),
    ...(given?.reason === 'ERROR' && { errorCode: given.errorCode }),
    ...(run.fault && { fault: run.fault.details }),
  }
}
