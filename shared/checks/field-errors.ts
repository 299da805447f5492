import type * as z from 'zod'
import { conditionForms } from '../contract/condition.ts'
import { operands } from '../contract/leaf.ts'
import type { FieldCode } from '../contract/problems.ts'
import { pointerOf, type WrongField } from './wrong-field.ts'
import { nounOf } from './issue-text.ts'

type Path = readonly PropertyKey[]
type Issues = readonly z.core.$ZodIssue[]

/**
 * One entry a field, with a JSON pointer (RFC 6901). Of the branches of a union one speaks: that of a condition is
 * told by the members that are there, of others the one that came closest. `input` is what the issues are about.
 */
export function fieldErrors(issues: Issues, input: unknown, base: Path = []): WrongField[] {
  return issues.flatMap((issue): WrongField[] => {
    const path = [...base, ...issue.path]
    const leaf = comparisonOf(issue, input)
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        code: 'unknown_field',
        pointer: pointerOf([...path, key]),
        detail: leaf && isMember(key) ? refusal(leaf.op, key) : issue.message,
      }))
    }
    if (issue.code === 'invalid_key') {
      const detail = issue.issues[0]?.message ?? issue.message
      return [{ code: 'invalid_key', pointer: pointerOf(path), detail: `is no key here: ${detail}` }]
    }
    const errors =
      issue.code === 'invalid_union' ? unionErrors(issue, valueAt(input, issue.path), path) : null
    const code = errors?.[0]?.code ?? codeOf(issue, path)
    if (leaf) return operandError(leaf, { code, path })
    return errors ?? [{ code, pointer: pointerOf(path), detail: issue.message }]
  })
}

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce((value, name) => (isObject(value) ? value[name] : undefined), input)
}

function isObject(value: unknown): value is Readonly<Record<PropertyKey, unknown>> {
  return typeof value === 'object' && value !== null
}

function codeOf(issue: z.core.$ZodIssue, path: Path): FieldCode {
  if (issue.code === 'invalid_type') return 'wrong_type'
  if (issue.code === 'invalid_format' && path.at(-1) === 'key') return 'invalid_key'
  if (issue.code === 'custom' && issue.params?.['code'] === 'weights_sum') return 'weights_sum'
  return 'invalid_value'
}

function unionErrors(issue: z.core.$ZodIssueInvalidUnion, input: unknown, path: Path): WrongField[] {
  const pointer = pointerOf(path)
  if (issue.message === conditionForms) return conditionErrors(issue.errors, input, path)
  if (issue.errors.length === 0) return [{ pointer, detail: issue.message }]
  const expected = issue.errors.map(typeOf)
  const nouns = [...new Set(expected.map((type) => nounOf(type ?? '')))]
  if (!expected.includes(null)) {
    const detail = input === undefined ? 'is required' : `must be ${nouns.join(' or ')}`
    return [{ code: 'wrong_type', pointer, detail }]
  }
  return fieldErrors(closest(issue.errors), input, path)
}

/** The type that a branch asks for, if the value is of another one. */
function typeOf([issue]: Issues): string | null {
  return issue?.code === 'invalid_type' && issue.path.length === 0 ? issue.expected : null
}

/** A branch is the further off, the more of its issues say that the very shape is another one. */
function closest(branches: readonly Issues[]): Issues {
  const distance = (branch: Issues) =>
    branch.filter((issue) => issue.code === 'unrecognized_keys' || issue.path.length <= 1).length * 100 +
    branch.length
  return branches.reduce((best, branch) => (distance(branch) < distance(best) ? branch : best))
}

/** The members that say which branch of a condition is meant, in the order of the branches; the last is a comparison. */
const marks = [['all'], ['any'], ['not'], ['segment'], ['flag'], ['attribute', 'op']] as const

function conditionErrors(branches: readonly Issues[], input: unknown, path: Path): WrongField[] {
  const pointer = pointerOf(path)
  if (!isObject(input) || Array.isArray(input))
    return [{ code: 'wrong_type', pointer, detail: conditionForms }]
  const has = (name: string) => Object.hasOwn(input, name)
  const meant = marks.flatMap((names, index) => (names.some(has) ? [index] : []))
  const [index, other] = meant
  if (index === undefined) return [{ pointer, detail: conditionForms }]
  if (other !== undefined) {
    const names = marks.flat().filter(has).join('", "')
    return [{ pointer, detail: `has "${names}" at once, and may be one of them: ${conditionForms}` }]
  }
  const { op } = input
  if (index === marks.length - 1 && !isOperator(op)) {
    const detail = `${op === undefined ? 'is required' : 'is no operator'}; there is ${Object.keys(operands).join(', ')}`
    return [{ pointer: pointerOf([...path, 'op']), detail }]
  }
  return fieldErrors(branches[index] ?? [], input, path)
}

type Operator = keyof typeof operands
type Comparison = Readonly<Record<PropertyKey, unknown>> & { readonly op: Operator }

/** The comparison that an issue is about as a whole, or about its operand as a whole: of items each has its pointer. */
function comparisonOf(issue: z.core.$ZodIssue, input: unknown): Comparison | null {
  if (issue.code !== 'unrecognized_keys' && !isMember(issue.path.at(-1))) return null
  const owner = valueAt(input, issue.code === 'unrecognized_keys' ? issue.path : issue.path.slice(0, -1))
  return isObject(owner) && isComparison(owner) ? owner : null
}

function isComparison(owner: Readonly<Record<PropertyKey, unknown>>): owner is Comparison {
  return isOperator(owner['op'])
}

function isOperator(op: unknown): op is Operator {
  return typeof op === 'string' && Object.hasOwn(operands, op)
}

function isMember(name: unknown): boolean {
  return name === 'value' || name === 'values'
}

function takes(op: Operator): string {
  const operand = operands[op]
  return operand ? `${op} takes "${operand.member}", ${operand.form}` : `${op} takes no operand`
}

function refusal(op: Operator, stray: string): string {
  return operands[op] ? `${takes(op)}, not "${stray}"` : takes(op)
}

/** Where the operand stands under the other name, that one is told. */
function operandError(leaf: Comparison, { code, path }: { code: FieldCode; path: Path }): WrongField[] {
  const isMissing = leaf[path.at(-1) ?? ''] === undefined
  if (isMissing && (Object.hasOwn(leaf, 'value') || Object.hasOwn(leaf, 'values'))) return []
  return [{ code, pointer: pointerOf(path), detail: `${isMissing ? 'is required: ' : ''}${takes(leaf.op)}` }]
}
