/** The steps of an explanation in words, one line each. */
import type { ConditionTrace, Step } from '@halyard/shared/engine/explain.ts'
import type { Decision, Json } from '@halyard/shared/engine/model.ts'

export function describeTrace(
  trace: readonly Step[],
  decision: Decision,
  ruleNames: ReadonlyMap<string, string>,
): string[] {
  let rule = 0
  const lines = trace.map((step) => {
    if (step.kind === 'rule') rule += 1
    return describeStep(step, rule, ruleNames)
  })
  return [...lines, describeDecision(decision)]
}

function describeStep(step: Step, ruleNumber: number, ruleNames: ReadonlyMap<string, string>): string {
  switch (step.kind) {
    case 'unknown':
      return 'there is no such flag'
    case 'unreadable':
      return `the flag cannot be read: ${step.details}`
    case 'switch':
      return step.enabled ? 'the flag is switched on' : 'the flag is switched off'
    case 'override':
      return `override ${step.index + 1} ${step.matched ? 'matched' : 'did not match'}: ${saw(step.attribute, step.seen)}`
    case 'rule': {
      const name = ruleNames.get(step.ruleId) ?? step.ruleId
      const why = step.matched ? '' : `: ${whyNot(step.when)}`
      return `rule ${ruleNumber} "${name}" ${step.matched ? 'matched' : 'did not match'}${why}`
    }
    case 'fallthrough':
      return 'nothing matched: the fallthrough serves'
    case 'bucket': {
      const { variant, from, to } = step.range
      return `${saw(step.attribute, step.seen)}: bucket ${count(step.bucket)} of 100,000 fell into "${variant}" [${count(from)}, ${count(to)})`
    }
    case 'unbucketed':
      return `no bucket: ${saw(step.attribute, step.seen)} (${step.errorCode})`
    default:
      return step satisfies never
  }
}

/** The leaves that decided against a condition. */
function whyNot(trace: ConditionTrace): string {
  if (trace.kind === 'leaf') return `${saw(trace.attribute, trace.seen)}, wanted ${wanted(trace.leaf)}`
  if (trace.kind === 'not') return 'what it excludes applies'
  const failed = trace.parts.filter((part) => !part.matched)
  return failed.length === 0 ? 'it has no conditions' : failed.map(whyNot).join('; ')
}

const words: Readonly<Record<string, string>> = {
  eq: 'equal to',
  in: 'one of',
  startsWith: 'text starting with',
  gt: 'more than',
  lt: 'less than',
}

function wanted(leaf: { readonly [name: string]: unknown }): string {
  const operand = Array.isArray(leaf['values']) ? leaf['values'].map(show).join(', ') : show(leaf['value'])
  return `${leaf['negate'] === true ? 'not ' : ''}${words[String(leaf['op'])] ?? String(leaf['op'])} ${operand}`
}

function saw(attribute: string, seen: Json | undefined): string {
  return seen === undefined ? `${attribute} is missing` : `${attribute} is ${show(seen)}`
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing'
}

function count(n: number): string {
  return n.toLocaleString('en-US')
}

function describeDecision(decision: Decision): string {
  if (decision.reason === 'ERROR')
    return `error ${decision.errorCode}: callers get their default (${decision.errorDetails})`
  return `serves "${decision.variant}" = ${show(decision.value)} (${decision.reason})`
}
