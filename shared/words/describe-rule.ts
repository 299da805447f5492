import type { Condition, Ramp, Sample, Serve, Split } from '../engine/model.ts'
import { describeAttribute, describeCondition } from './describe-condition.ts'
import { percent, show, showList, showMoment } from './show.ts'

/** What a rule's sentence tells of it. */
export interface ReadableRule {
  readonly when: Condition
  readonly sample?: Pick<Sample, 'by' | 'share'> | undefined
  readonly serve: Serve
}

/**
 * A rule read back as one sentence: `If country is one of "CA": serves "on" to 5 % by targetingKey; the rest get
 * "off".`
 */
export function describeRule({ when, sample, serve }: ReadableRule): string {
  const conditions = [
    describeWhen(when),
    ...(sample ? [`in a sample of ${percent(sample.share)} by ${describeAttribute(sample.by)}`] : []),
    ...slotOf(serve),
  ]
  return sentence(`${conditions.join(', ')}: ${describeServe(serve)}`)
}

/** What is served when no rule was, as one sentence. */
export function describeFallthrough(serve: Serve): string {
  const slot = slotOf(serve)
    .map((text) => `, ${text}`)
    .join('')
  const outside =
    'split' in serve && serve.split.outside !== undefined ? `; outside it ${show(serve.split.outside)}` : ''
  return sentence(`Otherwise${slot}: ${describeServe(serve)}${outside}`)
}

/** What a serve gives: `serves "on" to 5 % by targetingKey; the rest get "off"`. */
export function describeServe(serve: Serve): string {
  if ('variant' in serve) return `serves ${show(serve.variant)}`
  return 'split' in serve ? describeSplit(serve.split) : describeRamp(serve.ramp)
}

function describeWhen(when: Condition): string {
  const text = describeCondition(when)
  if (text === 'always') return 'For every context'
  return text === 'never' ? 'For no context' : `If ${text}`
}

function slotOf(serve: Serve): string[] {
  if (!('split' in serve) || !serve.split.layer) return []
  const { key, slot } = serve.split.layer
  return [`in slot ${show(slot)} of layer ${show(key)}`]
}

function describeSplit({ by, weights }: Split): string {
  const given = weights.filter(({ weight }) => weight > 0)
  const attribute = describeAttribute(by)
  const [first, second] = given
  if (given.length === 2 && first && second) {
    return `serves ${show(first.variant)} to ${percent(first.weight)} by ${attribute}; the rest get ${show(second.variant)}`
  }
  const shares = given.map(({ variant, weight }) => `${show(variant)} to ${percent(weight)}`)
  return `serves ${showList(shares, 'and')} by ${attribute}`
}

function describeRamp({ by, from, to, steps }: Ramp): string {
  const [first] = steps
  const last = steps.at(-1)
  if (!first || !last) return `serves ${show(from)}`
  const start = `serves ${show(to)} to ${percent(first.share)} by ${describeAttribute(by)} from ${showMoment(first.at)} on`
  const rest = `; the rest get ${show(from)}`
  if (steps.length === 1) return start + rest
  const pace = steps.length === 2 ? '' : ` in ${steps.length - 1} steps`
  const word = last.share > first.share ? 'widening' : last.share < first.share ? 'narrowing' : 'changing'
  return `${start}, ${word} to ${percent(last.share)} by ${showMoment(last.at)}${pace}${rest}`
}

function sentence(text: string): string {
  return `${text}.`
}
