import type { Attribute, Run } from './attribute.ts'
import { isOperator, operators, type Test } from './operators/operators.ts'
import { isShape, readBoolean, readList, readShape, readText, refuse, type Shape } from './shape.ts'
import {
  readClockOrAt,
  referToFlag,
  referToSegment,
  type Fault,
  type FlagEntry,
  type Scope,
  type SegmentEntry,
} from './world.ts'

/**
 * `test` decides; the rest is what `explain` walks. A test that meets a fault is false and leaves the fault in the run;
 * only those that refer to segments and flags can (`canFail`).
 */
export type CompiledCondition = { readonly test: Test; readonly canFail: boolean } & (
  | { readonly kind: 'all' | 'any'; readonly parts: readonly CompiledCondition[] }
  | { readonly kind: 'not'; readonly part: CompiledCondition }
  | { readonly kind: 'leaf'; readonly leaf: Shape; readonly attribute: Attribute }
  | { readonly kind: 'segment'; readonly key: string; readonly entry: SegmentEntry | undefined }
  | {
      readonly kind: 'flag'
      readonly key: string
      readonly variants: ReadonlySet<string>
      readonly entry: FlagEntry | undefined
    }
)

const depthMax = 10
const leavesMax = 200
const variantsMax = 64
const listMembers = { all: new Set(['all']), any: new Set(['any']), not: new Set(['not']) } as const
const leafMembers = new Set(['attribute', 'op', 'value', 'values', 'negate', 'ignoreCase', 'zone'])
const segmentMembers = new Set(['segment'])
const flagMembers = new Set(['flag', 'variants'])

/** Compiles a condition tree. Throws a SyntaxError if it is of another shape, too deep or too large. */
export function compileCondition(raw: unknown, scope: Scope): CompiledCondition {
  const condition = compileAt(raw, scope, 0)
  return countLeaves(condition) <= leavesMax ? condition : refuse(`a rule has more than ${leavesMax} leaves`)
}

/** `depth` counts the `all`, `any` and `not` above. */
function compileAt(raw: unknown, scope: Scope, depth: number): CompiledCondition {
  if (!isShape(raw)) refuse('a condition is not an object')
  const kind = Object.hasOwn(raw, 'all') ? 'all' : Object.hasOwn(raw, 'any') ? 'any' : 'not'
  if (!Object.hasOwn(raw, kind)) return compileLeaf(raw, scope)
  if (depth === depthMax) refuse(`a condition is deeper than ${depthMax}`)
  readShape(raw, `"${kind}"`, listMembers[kind])
  if (kind === 'not') return compileNot(compileAt(raw['not'], scope, depth + 1))
  const parts = readList(raw[kind], `"${kind}"`).map((item) => compileAt(item, scope, depth + 1))
  const tests = parts.map((part) => part.test)
  const canFail = parts.some((part) => part.canFail)
  const test = kind === 'all' ? testAll(tests) : canFail ? testAnySafely(tests) : testAny(tests)
  return { kind, parts, canFail, test }
}

function compileNot(part: CompiledCondition): CompiledCondition {
  const { test, canFail } = part
  if (!canFail) return { kind: 'not', part, canFail, test: (run) => !test(run) }
  return { kind: 'not', part, canFail, test: (run) => !test(run) && run.fault === null }
}

function compileLeaf(raw: Shape, scope: Scope): CompiledCondition {
  if (Object.hasOwn(raw, 'segment')) return compileSegmentLeaf(raw, scope)
  if (Object.hasOwn(raw, 'flag')) return compileFlagLeaf(raw, scope)
  const op = readText(raw['op'], 'an operator')
  if (!isOperator(op)) refuse(`unknown operator "${op}"`)
  const leaf = readShape(raw, 'a leaf', leafMembers)
  const attribute = readClockOrAt(scope, readText(leaf['attribute'], 'the attribute of a leaf'))
  const negate = leaf['negate'] !== undefined && readBoolean(leaf['negate'], '"negate"')
  const { compilePattern } = scope.world
  const { times } = scope.reach
  const test = operators[op]({ leaf, attribute, wanted: !negate, compilePattern, times })
  return { kind: 'leaf', leaf, attribute, canFail: false, test }
}

function compileSegmentLeaf(raw: Shape, scope: Scope): CompiledCondition {
  const key = readText(readShape(raw, 'a segment leaf', segmentMembers)['segment'], 'the key of a segment')
  const entry = referToSegment(scope, key)
  const { testSegment } = scope.world
  const unknown: Fault = { code: 'PARSE_ERROR', details: `there is no segment "${key}"` }
  const test = (run: Run) => {
    if (!entry) return fail(run, unknown)
    const { matched, fault } = testSegment(entry, run)
    return fault === null ? matched : fail(run, fault)
  }
  return { kind: 'segment', key, entry, canFail: true, test }
}

/** A flag that is missing or switched off satisfies no leaf; one that errs is a fault. */
function compileFlagLeaf(raw: Shape, scope: Scope): CompiledCondition {
  const leaf = readShape(raw, 'a flag leaf', flagMembers)
  const key = readText(leaf['flag'], 'the key of a flag')
  const variants = readFlagVariants(leaf['variants'])
  const entry = referToFlag(scope, key)
  const { decideFlag } = scope.world
  const faults = new Map<string, Fault>()
  const test = (run: Run) => {
    if (!entry) return false
    const { full, given } = decideFlag(entry, run)
    if (full.reason !== 'ERROR') return given !== null && variants.has(given)
    let fault = faults.get(full.errorCode)
    if (!fault) {
      fault = { code: full.errorCode, details: `the flag "${key}", which it asks for, is an error itself` }
      faults.set(full.errorCode, fault)
    }
    return fail(run, fault)
  }
  return { kind: 'flag', key, variants, entry, canFail: true, test }
}

/** The variants that a flag leaf or a prerequisite names. */
export function readFlagVariants(raw: unknown): ReadonlySet<string> {
  const names = readList(raw, 'the variants of a flag', variantsMax)
  return new Set(names.map((name) => readText(name, 'a variant of a flag')))
}

function fail(run: Run, fault: Fault): false {
  run.fault = fault
  return false
}

function testAll(tests: readonly Test[]): Test {
  // Most rules have two leaves: without the loop they take a tenth less.
  const [first, second, third] = tests
  if (first && second && !third) return (run) => first(run) && second(run)
  return (run) => {
    for (const test of tests) if (!test(run)) return false
    return true
  }
}

function testAny(tests: readonly Test[]): Test {
  return (run) => {
    for (const test of tests) if (test(run)) return true
    return false
  }
}

/** A fault ends it: a later part may not decide what an earlier one could not. */
function testAnySafely(tests: readonly Test[]): Test {
  return (run) => {
    for (const test of tests) {
      if (test(run)) return true
      if (run.fault !== null) return false
    }
    return false
  }
}

function countLeaves(condition: CompiledCondition): number {
  switch (condition.kind) {
    case 'leaf':
    case 'segment':
    case 'flag':
      return 1
    case 'not':
      return countLeaves(condition.part)
    case 'all':
    case 'any':
      return condition.parts.reduce((sum, part) => sum + countLeaves(part), 0)
  }
  return condition satisfies never
}
