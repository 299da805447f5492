/** For tests: a leaf by itself, without flag and snapshot. */
import { attributeAt, makeRun, startRun, type Run } from '../attribute.ts'
import type { EvaluationContext, Json, Leaf } from '../model.ts'
import { operators, type CompilePattern, type Test } from './operators.ts'
import { makeTimes, type Times } from '../times.ts'

/** A leaf on the attribute `a`, unless it names one. */
export type TestedLeaf = Omit<Leaf, 'attribute'> & { readonly attribute?: string }

interface CompiledLeaf {
  readonly test: Test
  readonly times: Times
  readonly run: Run
}

/** Compiles a leaf. Throws what the operator throws. */
export function compileLeaf(tested: TestedLeaf, compilePattern: CompilePattern | null = null): CompiledLeaf {
  const leaf = { attribute: 'a', ...tested }
  const times = makeTimes()
  const attribute = attributeAt(new Map(), leaf.attribute)
  const scope = { leaf, attribute, wanted: leaf.negate !== true, compilePattern, times }
  return { test: operators[leaf.op](scope), times, run: makeRun() }
}

/** Whether a compiled leaf matches a context, at a moment in epoch milliseconds. */
export function testContext({ test, run }: CompiledLeaf, context: EvaluationContext, now = 0): boolean {
  startRun(run, context, now)
  return test(run)
}

/** Whether a leaf matches a value. */
export function matches(leaf: TestedLeaf, value: Json): boolean {
  return testContext(compileLeaf(leaf), { a: value })
}
