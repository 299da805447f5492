import type { Leaf } from '../engine/model.ts'
import type { ConditionTrace, FlagTrace, Seen, SegmentTrace } from '../engine/trace-condition.ts'
import { describeWanted } from './describe-condition.ts'
import { show, showBare, showList } from './show.ts'

type LeafTrace = Extract<ConditionTrace, { kind: 'leaf' }>

/** Why a condition matched or did not: the parts that decided, with what they saw. Empty if it has no parts. */
export function describeOutcome(trace: ConditionTrace): string {
  switch (trace.kind) {
    case 'all':
    case 'any':
      return describeParts(trace)
    case 'not': {
      const inner = describeOutcome(trace.part)
      return trace.matched || isFaulty(trace.part) ? inner : `what it excludes applies (${inner})`
    }
    case 'leaf':
      return describeLeaf(trace)
    case 'segment':
      return describeSegment(trace)
    case 'flag':
      return describeFlag(trace)
  }
  return trace satisfies never
}

/** What a step saw: `` `country` was "DE" ``. */
export function describeSeen({ attribute, seen }: Seen): string {
  const name = attribute === '$now' ? 'the time' : `\`${attribute}\``
  return `${name} was ${seen === undefined ? 'missing' : show(seen)}`
}

/** One part decides an `all` that does not match and an `any` that does: the last that was tried. */
function describeParts({ kind, matched, parts }: Extract<ConditionTrace, { kind: 'all' | 'any' }>): string {
  const last = parts.at(-1)
  if (!last) return kind === 'all' ? '' : 'it has no alternatives'
  const isDecided = matched === (kind === 'any') || isFaulty(last)
  if (isDecided) return describeOutcome(last)
  return parts
    .map(describeOutcome)
    .filter((text) => text !== '')
    .join(kind === 'all' ? ' and ' : '; ')
}

/** A fault ends the walk, so that it is the last part, all the way down. */
function isFaulty(trace: ConditionTrace): boolean {
  switch (trace.kind) {
    case 'not':
      return isFaulty(trace.part)
    case 'all':
    case 'any': {
      const last = trace.parts.at(-1)
      return last !== undefined && isFaulty(last)
    }
    case 'leaf':
      return false
    case 'segment':
    case 'flag':
      return trace.fault !== undefined
  }
  return trace satisfies never
}

function describeLeaf(trace: LeafTrace): string {
  const leaf = trace.leaf as unknown as Leaf // the definition of a leaf that was compiled
  if (trace.matched) return describeSeen(trace)
  const wanted = describeWanted(leaf, showBare)
  return `${describeSeen(trace)}, wanted ${leaf.negate === true ? `${leaf.op === 'exists' ? 'not' : 'a value, but not'} ${wanted}` : wanted}`
}

function describeSegment({ segment, because, fault, when, attribute, ...rest }: SegmentTrace): string {
  const name = `segment \`${segment}\``
  const seen = attribute === undefined ? 'the context' : describeSeen({ attribute, ...rest })
  const inner = when ? describeOutcome(when) : ''
  const tree = inner === '' ? '' : ` (${inner})`
  switch (because) {
    case 'excluded':
      return `${seen}, excluded from ${name}`
    case 'included':
      return `${seen}, included in ${name}`
    case 'member':
      return `${seen}, a member of ${name}`
    case 'tree':
      return `matches ${name}${tree}`
    case 'none':
      return `${seen}, not in ${name}${tree}`
    case 'fault':
      return `${name} cannot be decided: ${fault ?? inner}`
  }
  return because satisfies never
}

function describeFlag({ flag, variants, variant, reason, errorCode, fault }: FlagTrace): string {
  if (fault !== undefined) return `flag \`${flag}\` cannot be decided: ${fault}`
  return `flag \`${flag}\` ${describeGiven({ variant, reason, errorCode })}, wanted ${showList(variants.map(show), 'or')}`
}

/** What another flag gave. A switched-off one gives a variant that counts for nothing. */
export function describeGiven(given: {
  readonly variant?: string | undefined
  readonly reason?: string | undefined
  readonly errorCode?: string | undefined
}): string {
  if (given.errorCode !== undefined) return `gave the error ${given.errorCode}`
  if (given.variant === undefined) return 'gave nothing'
  return given.reason === 'DISABLED'
    ? `gave ${show(given.variant)} (DISABLED)`
    : `gave ${show(given.variant)}`
}
