/** What the operators share: what a leaf is compiled for, and how its operands are read. */
import type { Attribute, Run } from '../attribute.ts'
import { fold } from './folding.ts'
import type { Json } from '../model.ts'
import { readBoolean, readList, readScalar, readText, refuse, type Shape } from '../shape.ts'
import type { Times } from '../times.ts'

/** Whether a leaf matches in a run. */
export type Test = (run: Run) => boolean

/**
 * Compiles an RE2 pattern into a search anywhere in a text, linear in the length of the text. Throws a SyntaxError on
 * a pattern that is none, or too costly. The engine itself uses no package, so that it is handed one.
 */
export type CompilePattern = (pattern: string) => (text: string) => boolean

/** What an operator compiles. */
export interface LeafScope {
  readonly leaf: Shape
  readonly attribute: Attribute
  /** False for a leaf with `negate`. */
  readonly wanted: boolean
  /** null: this reader has no patterns. */
  readonly compilePattern: CompilePattern | null
  /** Where leaves on `$now` say when they may change. */
  readonly times: Times
}

/** Makes the test of a leaf. Throws a SyntaxError if its operands are of the wrong shape. */
export type CompileLeaf = (scope: LeafScope) => Test

/** The members of a leaf that an operator takes. */
export interface Takes {
  readonly operands: 'value' | 'values' | 'none'
  readonly ignoreCase?: true
  readonly zone?: true
  /** Takes `$now`. */
  readonly clock?: true
}

const operandsMax = 1_000

/** Refuses a leaf whose members are not those that its operator takes, before it is compiled. */
export function taking(takes: Takes, compile: CompileLeaf): CompileLeaf {
  return (scope) => {
    const { leaf, attribute } = scope
    if (attribute.isClock && !takes.clock) refuse(`"$now" is for operators of time, not ${nameOf(leaf)}`)
    for (const name of ['value', 'values'] as const) checkMember(leaf, name, takes.operands === name)
    if (takes.ignoreCase !== true && leaf['ignoreCase'] !== undefined) refuseMember(leaf, 'ignoreCase')
    if (takes.zone !== true && leaf['zone'] !== undefined) refuseMember(leaf, 'zone')
    return compile(scope)
  }
}

/** The operands of a leaf that takes a list, each read by `readItem`. */
export function readOperands<T>(leaf: Shape, readItem: (value: unknown, what: string) => T): T[] {
  const items = readList(leaf['values'], 'the list of operands', operandsMax)
  return items.map((item) => readItem(item, 'an operand'))
}

/** Operands that are compared for being the same, folded if the leaf says so. */
export function readMembers(leaf: Shape): { members: ReadonlySet<Json | undefined>; isFolding: boolean } {
  const isFolding = readIgnoreCase(leaf)
  const operands = readOperands(leaf, readScalar)
  const texts = isFolding ? operands.map((item) => (typeof item === 'string' ? fold(item) : item)) : operands
  return { members: new Set(texts), isFolding }
}

/** Texts that are looked for, folded if the leaf says so. */
export function readTexts(leaf: Shape): { texts: readonly string[]; isFolding: boolean } {
  const isFolding = readIgnoreCase(leaf)
  const texts = readOperands(leaf, readText)
  return { texts: isFolding ? texts.map(fold) : texts, isFolding }
}

/** The operands of a leaf that takes exactly two. */
export function readPair<T>(
  leaf: Shape,
  what: string,
  readItem: (value: unknown, what: string) => T,
): readonly [T, T] {
  const [first, second, ...further] = readOperands(leaf, readItem)
  if (first === undefined || second === undefined || further.length > 0) {
    refuse(`${nameOf(leaf)} takes exactly two operands: ${what}`)
  }
  return [first, second]
}

/** Whether texts compare by their folded form. */
export function readIgnoreCase(leaf: Shape): boolean {
  return leaf['ignoreCase'] !== undefined && readBoolean(leaf['ignoreCase'], '"ignoreCase"')
}

function checkMember(leaf: Shape, name: 'value' | 'values', isTaken: boolean): void {
  if (isTaken && leaf[name] === undefined) refuse(`${nameOf(leaf)} has no "${name}"`)
  if (!isTaken && leaf[name] !== undefined) refuseMember(leaf, name)
}

function refuseMember(leaf: Shape, name: string): never {
  refuse(`${nameOf(leaf)} takes no "${name}"`)
}

function nameOf(leaf: Shape): string {
  return String(leaf['op'])
}
