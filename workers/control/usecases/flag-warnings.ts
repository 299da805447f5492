/** What was saved and is allowed, but perhaps not what was meant. Pure. */
import {
  bucketCount,
  type Condition,
  type Override,
  type Rule,
  type Sample,
  type Serve,
} from '@halyard/shared/engine/model.ts'
import { momentMs } from '@halyard/shared/contract/moment.ts'
import type { Warning } from '@halyard/shared/contract/written.ts'
import { count, percent, show, showList } from '@halyard/shared/words/show.ts'
import { canonicalJson } from '../canonical-json.ts'
import { bucketedBy, bucketsOf, movedBuckets, redrawnBuckets, stepTimes } from './moved-buckets.ts'
import { flagFacts } from './request-facts.ts'

/** The part of a state that warnings are about. */
export interface Targeting {
  readonly enabled: boolean
  readonly overrides: readonly Override[]
  readonly rules: readonly (Rule & { readonly name?: string | undefined })[]
  readonly fallthrough: Serve
}

/**
 * What a person who saved `after` over `before` wants to be told; nothing if the targeting is as before. Rules are
 * matched by id. Pointers are into the state. An answer shows them by `firstWarnings`.
 */
export function flagWarnings(before: Targeting | null, after: Targeting, nowMs: number): Warning[] {
  if (before && isSame(comparable(before), comparable(after))) return []
  return [
    ...unreachableRules(after.rules),
    ...repeatedValues(after.overrides),
    ...(before ? movedContexts(before, after, nowMs) : []),
    ...flagFacts(before, after),
    ...pastTimes(after, nowMs),
  ]
}

/** The first of the warnings of an answer, and one that says how many more there are. */
export function firstWarnings(warnings: readonly Warning[]): readonly Warning[] {
  const rest = warnings.length - warningsMax
  if (rest <= 0) return warnings
  const detail = `${count(rest)} more warnings are not shown`
  return [...warnings.slice(0, warningsMax), { code: 'more_warnings', pointer: '', detail }]
}

const warningsMax = 20

function comparable({ overrides, rules, fallthrough }: Targeting) {
  return { overrides, rules, fallthrough }
}

function unreachableRules(rules: Targeting['rules']): Warning[] {
  let always: string | null = null
  const places = new Map<string, string>()
  return rules.flatMap((rule, index): Warning[] => {
    const condition = textOf(rule.when)
    const why = whyUnreached(rule, always, places.get(condition))
    if (takesAllItMatches(rule)) {
      if (constantOf(rule.when) === true) always ??= placeOf(rule, index)
      if (!places.has(condition)) places.set(condition, placeOf(rule, index))
    }
    return why === null ? [] : [{ code: 'unreachable_rule', pointer: `/rules/${index}`, detail: why }]
  })
}

/** `always` and `same` are earlier rules: one that matches everything, and one of the same condition. */
function whyUnreached(rule: Rule, always: string | null, same: string | undefined): string | null {
  if (always !== null) return `never reached: ${always} matches every context`
  if (same !== undefined) return `never reached: ${same} has the same condition`
  if (constantOf(rule.when) === false) return 'matches no context'
  return rule.sample?.share === 0 ? 'takes no context: its sample has a share of 0' : null
}

/** No sample and no slot hands matching contexts on. */
function takesAllItMatches({ sample, serve }: Rule): boolean {
  return (!sample || sample.share === bucketCount) && !('split' in serve && serve.split.layer)
}

/** What a condition is for every context; null if that depends on the context. */
function constantOf(condition: Condition): boolean | null {
  if ('not' in condition) {
    const inner = constantOf(condition.not)
    return inner === null ? null : !inner
  }
  if (!('all' in condition || 'any' in condition)) return null
  const decisive = 'any' in condition
  const parts = ('any' in condition ? condition.any : condition.all).map(constantOf)
  if (parts.includes(decisive)) return decisive
  return parts.includes(null) ? null : !decisive
}

/** What is in an override without end stays there: naming it again later does nothing. */
function repeatedValues(overrides: readonly Override[]): Warning[] {
  const firsts = new Map<string, number>()
  return overrides.flatMap(({ attribute, values, until }, index): Warning[] => {
    const repeated: string[] = []
    for (const value of values) {
      const name = JSON.stringify([attribute, value])
      const first = firsts.get(name)
      if (first === undefined && until === undefined) firsts.set(name, index)
      if (first !== undefined && first !== index) repeated.push(`${show(value)} in override ${first + 1}`)
    }
    if (repeated.length === 0) return []
    const detail = `an override that comes first names ${repeated.length === 1 ? 'one' : count(repeated.length)} of its values already: ${showList(repeated, 'and')}`
    return [{ code: 'repeated_override', pointer: `/overrides/${index}/values`, detail }]
  })
}

function movedContexts(before: Targeting, after: Targeting, nowMs: number): Warning[] {
  const ofRules = after.rules.flatMap((rule, index) => {
    const old = before.rules.find(({ id }) => id === rule.id)
    if (!old) return []
    const pointer = `/rules/${index}`
    return [
      ...redrawnSample(old.sample, rule.sample, pointer),
      ...movedBy(old.serve, rule.serve, { pointer: `${pointer}/serve`, nowMs, isServing: before.enabled }),
    ]
  })
  const at = { pointer: '/fallthrough', nowMs, isServing: before.enabled }
  return [...ofRules, ...movedBy(before.fallthrough, after.fallthrough, at)]
}

function redrawnSample(before: Sample | undefined, after: Sample | undefined, at: string): Warning[] {
  if (!before || !after || before.by === after.by) return []
  const moved = before.share + after.share - (2 * before.share * after.share) / bucketCount
  if (moved === 0) return []
  const detail = `a sample by another attribute draws anew: for about ${percent(moved)} of the matching contexts it changes whether they take the rule`
  return [{ code: 'moves_contexts', pointer: `${at}/sample/by`, detail }]
}

interface Place {
  readonly pointer: string
  readonly nowMs: number
  /** Whether the flag is switched on: else nobody loses anything that a later step gives back. */
  readonly isServing: boolean
}

function movedBy(before: Serve, after: Serve, { pointer, nowMs, isServing }: Place): Warning[] {
  if (isSame(before, after)) return []
  const lost = () => whyTakenBack(before, after, nowMs) ?? whyOtherSlot(before, after)
  const detail = whyMoved(before, after, nowMs) ?? (isServing ? lost() : null)
  return detail === null ? [] : [{ code: 'moves_contexts', pointer, detail }]
}

/** Growing one variant moves just the contexts that it gains: that is what was asked for, and nothing to warn of. */
function whyMoved(before: Serve, after: Serve, nowMs: number): string | null {
  const [oldBy, newBy] = [bucketedBy(before), bucketedBy(after)]
  const times = [nowMs, ...[...stepTimes(before), ...stepTimes(after)].filter((time) => time > nowMs)]
  if (oldBy !== null && newBy !== null && oldBy !== newBy) {
    const moved = Math.max(...times.map((time) => redrawnBuckets(before, after, time)))
    if (moved === 0) return null
    return `buckets by "${newBy}" instead of "${oldBy}": about ${percent(moved)} of the contexts get another variant`
  }
  const changes = times.map((time) => movedBuckets(before, after, time))
  const worst = changes.reduce((a, b) => (b.moved - b.needed > a.moved - a.needed ? b : a))
  if (worst.moved <= worst.needed) return null
  return `${percent(worst.moved)} of the contexts get another variant, where ${percent(worst.needed)} would do: ranges of buckets shift. Keep the order of the weights, and let neighbours give and take`
}

/** A ramp that begins below what its variant has now takes contexts away, to give them back later. */
function whyTakenBack(before: Serve, after: Serve, nowMs: number): string | null {
  if (!('ramp' in after)) return null
  const { to, steps } = after.ramp
  const has = bucketsOf(before, to, nowMs)
  const keeps = bucketsOf(after, to, nowMs)
  if (keeps >= has || !steps.some(({ at, share }) => momentMs(at) > nowMs && share > keeps)) return null
  return `the ramp begins below what "${to}" has now: ${percent(has - keeps)} of the contexts lose it, and those of later steps get it back`
}

function whyOtherSlot(before: Serve, after: Serve): string | null {
  const [old, next] = [before, after].map((serve) => ('split' in serve ? serve.split.layer : undefined))
  if (isSame(old ?? null, next ?? null)) return null
  if (!next) return null
  return old
    ? `slot "${next.slot}" of layer "${next.key}" holds other contexts than slot "${old.slot}" of layer "${old.key}" did`
    : `only contexts in slot "${next.slot}" of layer "${next.key}" keep their variant`
}

function pastTimes({ overrides, rules, fallthrough }: Targeting, nowMs: number): Warning[] {
  const ended = overrides.flatMap(({ until }, index): Warning[] => {
    if (until === undefined || momentMs(until) > nowMs) return []
    const detail = 'is past: the override does nothing'
    return [{ code: 'past_time', pointer: `/overrides/${index}/until`, detail }]
  })
  const serves: [Serve, string][] = [
    ...rules.map(({ serve }, index): [Serve, string] => [serve, `/rules/${index}/serve`]),
    [fallthrough, '/fallthrough'],
  ]
  const done = serves.flatMap(([serve, pointer]): Warning[] => {
    const last = stepTimes(serve).at(-1)
    if (!('ramp' in serve) || last === undefined || last > nowMs) return []
    const share = percent(serve.ramp.steps.at(-1)?.share ?? 0)
    const detail = `all its steps are past: it stays at ${share} of "${serve.ramp.to}"`
    return [{ code: 'past_time', pointer: `${pointer}/ramp/steps`, detail }]
  })
  return [...ended, ...done]
}

function placeOf({ name }: Targeting['rules'][number], index: number): string {
  return name === undefined ? `rule ${index + 1}` : `rule ${index + 1} "${name}"`
}

function isSame(a: object | null, b: object | null): boolean {
  return textOf(a) === textOf(b)
}

function textOf(value: object | null): string {
  return canonicalJson(value as never) // parsed from JSON
}
