import type { Step } from '../engine/explain.ts'
import type { Decision } from '../engine/model.ts'
import { describeGiven, describeOutcome, describeSeen } from './describe-outcome.ts'
import { count, percent, show, showList, showMoment } from './show.ts'

type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

interface Range {
  readonly from: number
  readonly to: number
}

/**
 * An explanation in words: one line a step, and a last one for the decision. `ruleNames` by rule id; a rule without
 * one is called by its id.
 */
export function describeTrace(
  trace: readonly Step[],
  decision: Decision,
  ruleNames: ReadonlyMap<string, string>,
): string[] {
  let ruleNumber = 0
  const lines = trace.map((step) => {
    if (step.kind === 'rule') ruleNumber += 1
    return describeStep(step, (id) => `rule ${ruleNumber} \`${ruleNames.get(id) ?? id}\``)
  })
  return [...lines, describeDecision(decision)]
}

type NameRule = (id: string) => string

function describeStep(step: Step, nameRule: NameRule): string {
  switch (step.kind) {
    case 'unknown':
      return 'there is no such flag'
    case 'unreadable':
      return `the flag cannot be read: ${step.details}`
    case 'switch':
      return step.enabled ? 'the flag is switched on' : 'the flag is switched off'
    case 'expiry':
      return `the flag ${step.expired ? 'expired' : 'expires'} at ${showMoment(step.at)}`
    case 'prerequisite':
      return describePrerequisite(step)
    case 'override':
      return describeOverride(step)
    case 'rule':
      return describeRuleStep(step, nameRule)
    case 'fallthrough':
      return 'nothing matched: the fallthrough serves'
    case 'fault':
      return `this cannot be decided: ${step.details} (${step.errorCode})`
    default:
      return describeBucketing(step, nameRule)
  }
}

type Bucketing = StepOf<'sample' | 'slot' | 'ramp' | 'bucket' | 'unbucketed'>

function describeBucketing(step: Bucketing, nameRule: NameRule): string {
  switch (step.kind) {
    case 'sample': {
      const where = `the sample of ${nameRule(step.ruleId)} ${showRange({ from: 0, to: step.share })}`
      return `${bucketOf(step)} ${step.taken ? 'is in' : 'is outside'} ${where}`
    }
    case 'slot': {
      const where = `slot \`${step.slot}\` of layer \`${step.layer}\` ${showRange(step.range)}`
      return `${bucketOf(step)} ${step.taken ? 'is in' : 'is outside'} ${where}`
    }
    case 'ramp':
      return step.at === undefined
        ? 'the ramp has not begun: 0 %'
        : `the ramp is at ${percent(step.share)} since ${showMoment(step.at)}`
    case 'bucket':
      return `${bucketOf(step)} fell into \`${step.range.variant}\` ${showRange(step.range)}`
    case 'unbucketed':
      return `no bucket: ${describeSeen(step)} (${step.errorCode})`
  }
  return step satisfies never
}

function describePrerequisite(step: StepOf<'prerequisite'>): string {
  const given = describeGiven(step)
  if (step.met) return `prerequisite \`${step.flag}\` ${given}`
  return `prerequisite \`${step.flag}\` ${given}, wanted ${showList(step.variants.map(show), 'or')}: the flag is off`
}

function describeOverride(step: StepOf<'override'>): string {
  const name = `override ${step.index + 1}`
  if (step.expired) return `${name} is over`
  return `${name} ${step.matched ? 'matched' : 'did not match'}: ${describeSeen(step)}`
}

function describeRuleStep(step: StepOf<'rule'>, nameRule: NameRule): string {
  const why = describeOutcome(step.when)
  const said = `${nameRule(step.ruleId)} ${step.matched ? 'matched' : 'did not match'}`
  return why === '' ? said : `${said}: ${why}`
}

function bucketOf(step: { readonly bucket: number } & Parameters<typeof describeSeen>[0]): string {
  return `${describeSeen(step)}: bucket ${count(step.bucket)} of 100,000`
}

function showRange({ from, to }: Range): string {
  return `[${count(from)}, ${count(to)})`
}

function describeDecision(decision: Decision): string {
  if (decision.reason === 'ERROR')
    return `error ${decision.errorCode}: callers get their default (${decision.errorDetails})`
  return `serves ${show(decision.variant)} = ${show(decision.value)} (${decision.reason})`
}
