/** What a rollout makes of a flag's state. Pure. */
import type { AppliedFlagState } from '@halyard/shared/checks/applied-state.ts'
import { bucketCount, type Variant } from '@halyard/shared/engine/model.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import { momentMs, type Moment } from '@halyard/shared/contract/moment.ts'
import type { Rollout } from '@halyard/shared/contract/operations.ts'
import type { Serve } from '@halyard/shared/contract/serve.ts'
import { invalid } from '../problem.ts'
import { bucketedBy, bucketsOf } from './moved-buckets.ts'

type Variants = readonly Pick<Variant, 'key'>[]

/**
 * The state with a rollout in the named rule, or in the fallthrough. A rollout of the same two variants goes on: each
 * keeps its side of the buckets, so that widening only adds contexts, and its attribute and slot. Throws a problem
 * that names what would be allowed.
 */
export function rollOut(
  state: AppliedFlagState,
  order: Rollout,
  { variants, nowMs }: { readonly variants: Variants; readonly nowMs: number },
): AppliedFlagState {
  const index = order.rule === undefined ? null : findRule(state.rules, order.rule)
  const before = (index === null ? undefined : state.rules[index])?.serve ?? state.fallthrough
  const pair = pairOf(order, state.offVariant, variants)
  if (order.otherwise === undefined) refuseLoss(before, pair)
  const serve = serveOf(order, { ...pair, before, nowMs })
  if (index === null) return { ...state, fallthrough: serve }
  return { ...state, rules: state.rules.map((rule, i) => (i === index ? { ...rule, serve } : rule)) }
}

interface Pair {
  readonly variant: string
  readonly otherwise: string
}

interface Course extends Pair {
  readonly before: Serve
  readonly nowMs: number
}

/** The buckets of the variant from a moment on. */
interface Step {
  readonly at: Moment
  readonly share: number
}

function findRule(rules: AppliedFlagState['rules'], idOrName: string): number {
  const byId = rules.findIndex(({ id }) => id === idOrName)
  if (byId !== -1) return byId
  const named = rules.filter(({ name }) => name === idOrName)
  if (named.length > 1) {
    const ids = named.map(({ id }) => id).join(', ')
    throw invalid('/rule', `several rules are named "${idOrName}": give the id, one of ${ids}`)
  }
  const [rule] = named
  if (rule) return rules.indexOf(rule)
  const known = rules.map(({ id, name }) => (name === undefined ? id : `"${name}" (${id})`)).join(', ')
  const there = known === '' ? 'there are no rules' : `there is ${known}`
  throw invalid('/rule', `there is no rule "${idOrName}"; ${there}. Leave it out for the fallthrough`)
}

function pairOf({ variant, otherwise }: Rollout, offVariant: string, variants: Variants): Pair {
  const keys = variants.map(({ key }) => key)
  const there = `there is ${keys.join(', ')}`
  const others = keys.filter((key) => key !== variant)
  if (others.length === keys.length) throw invalid('/variant', `there is no variant "${variant}"; ${there}`)
  if (others.length === 0) throw invalid('/variant', `"${variant}" is the flag's only variant`)
  const rest = otherwise ?? (others.length === 1 ? others[0] : offVariant)
  if (rest === undefined || rest === variant) {
    const why =
      otherwise === undefined ? `is required, since "${variant}" is the off variant` : 'is the variant itself'
    throw invalid('/otherwise', `${why}: give one of ${others.join(', ')}`)
  }
  if (!keys.includes(rest)) throw invalid('/otherwise', `there is no variant "${rest}"; ${there}`)
  return { variant, otherwise: rest }
}

/** Nobody is taken out of a variant that the order does not name. */
function refuseLoss(before: Serve, { variant, otherwise }: Pair): void {
  const served = 'split' in before ? before.split.weights.filter(({ weight }) => weight > 0) : []
  const keys = served.map((weight) => weight.variant)
  const lost = keys.filter((key) => key !== variant && key !== otherwise)
  if (lost.length === 0) return
  const [all, gone] = [keys, lost].map((names) => names.map((name) => `"${name}"`).join(', '))
  const others = keys.filter((key) => key !== variant).join(', ')
  throw invalid(
    '/otherwise',
    `is required: it serves ${all} now, and a rollout has two variants, so that the contexts of ${gone} would move. Give the one that all others are to get (${others}), or change the weights of the split themselves`,
  )
}

function serveOf(order: Rollout, course: Course): Serve {
  const steps = stepsOf(order, course)
  const by = order.by ?? bucketedBy(course.before) ?? 'targetingKey'
  const isFirst = sideOf(course, by) !== 'last'
  const [first] = steps
  if (steps.length === 1 && first && momentMs(first.at) <= course.nowMs)
    return splitOf(first.share, { ...course, by, isFirst })
  refuseSlot(course.before)
  const { variant, otherwise } = course
  // In a ramp `to` has the first buckets: on the other side the others narrow.
  return {
    ramp: {
      by,
      from: isFirst ? otherwise : variant,
      to: isFirst ? variant : otherwise,
      steps: steps.map(({ at, share }) => ({ at, share: isFirst ? share : bucketCount - share })),
    },
  }
}

function splitOf(share: number, to: Course & { readonly by: string; readonly isFirst: boolean }): Serve {
  const { variant, otherwise, before, by, isFirst } = to
  const weights = [
    { variant, weight: share },
    { variant: otherwise, weight: bucketCount - share },
  ]
  const { layer, outside } = 'split' in before ? before.split : {}
  return {
    split: {
      by,
      weights: isFirst ? weights : weights.toReversed(),
      ...(layer && { layer }),
      ...(outside !== undefined && { outside }),
    },
  }
}

function refuseSlot(before: Serve): void {
  if (!('split' in before) || !before.split.layer) return
  const { key, slot } = before.split.layer
  throw invalid(
    '/widenTo',
    `it serves slot "${slot}" of layer "${key}", which a ramp cannot: give "percent" alone`,
  )
}

/** Which end of the buckets the variant has, if the same two variants share them already. */
function sideOf({ before, variant, otherwise }: Course, by: string): 'first' | 'last' | null {
  if (bucketedBy(before) !== by) return null
  const keys =
    'split' in before
      ? before.split.weights.map((weight) => weight.variant)
      : 'ramp' in before
        ? [before.ramp.to, before.ramp.from]
        : []
  const [first, second, third] = keys
  if (third !== undefined) return null
  if (first === variant && second === otherwise) return 'first'
  return first === otherwise && second === variant ? 'last' : null
}

function stepsOf(order: Rollout, course: Course): Step[] {
  const startMs = Math.floor(course.nowMs / 1_000) * 1_000
  if (order.ramp) return givenSteps(order.ramp, course, startMs)
  const first = { at: momentAt(startMs), share: bucketsIn(order.percent ?? 0) }
  if (order.widenTo === undefined || order.over === undefined) return [first]
  return [first, ...equalSteps(order, startMs, { from: first.share, to: bucketsIn(order.widenTo) })]
}

/** Until the first step a rollout of the same variants stays where it is. */
function givenSteps(ramp: NonNullable<Rollout['ramp']>, course: Course, startMs: number): Step[] {
  const steps = ramp.map(({ at, percent }) => ({ at, share: bucketsIn(percent) }))
  const late = steps.findIndex((step, i) => i > 0 && momentMs(step.at) <= momentMs(steps[i - 1]?.at ?? 0))
  if (late !== -1) throw invalid(`/ramp/${late}/at`, 'must be later than the step before')
  const [first] = steps
  const has = bucketsOf(course.before, course.variant, course.nowMs)
  const isGoing = sideOf(course, bucketedBy(course.before) ?? '') !== null
  if (!isGoing || !first || momentMs(first.at) <= course.nowMs) return steps
  if (steps.length === limits.rampSteps) {
    throw invalid(
      '/ramp',
      `may have ${limits.rampSteps - 1} steps here: the first keeps what "${course.variant}" has now`,
    )
  }
  return [{ at: momentAt(startMs), share: has }, ...steps]
}

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

function equalSteps(
  { over = '', steps }: Rollout,
  startMs: number,
  share: { readonly from: number; readonly to: number },
): Step[] {
  const unit = over.slice(-1) as keyof typeof unitMs // as the schema says
  const wholeMs = Number(over.slice(0, -1)) * unitMs[unit]
  const daily = Math.min(Math.max(2, Math.round(wholeMs / unitMs.d)), limits.rampSteps - 1)
  const total = steps ?? daily
  return Array.from({ length: total }, (_, i) => ({
    at: momentAt(startMs + Math.round((wholeMs * (i + 1)) / total / 1_000) * 1_000),
    share: share.from + Math.round(((share.to - share.from) * (i + 1)) / total),
  }))
}

/** Of whole seconds. */
function momentAt(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}

function bucketsIn(percent: number): number {
  return Math.round(percent * (bucketCount / 100))
}
