import { attributeAt } from '../engine/attribute.ts'
import { operators } from '../engine/operators/operators.ts'
import { makeTimes } from '../engine/times.ts'
import { partsOf, type Condition, type ConditionLeaf } from '../contract/condition.ts'
import { limits } from '../contract/limits.ts'
import type { WrongField } from './wrong-field.ts'
import { pointerOf } from './wrong-field.ts'
import { measurePattern, patternsIn } from './pattern-sizes.ts'

/** What a save has spent in one environment: nothing is compiled beyond what an environment may hold. */
export interface Spent {
  patterns: number
  instructions: number
  errors: number
}

export function nothingSpent(): Spent {
  return { patterns: 0, instructions: 0, errors: 0 }
}

/** The comparisons that the engine would refuse, found by letting it compile each; at most twenty of a save. */
export function conditionErrors(condition: Condition, at: string, spent: Spent): WrongField[] {
  if (spent.errors >= errorsMax) return []
  spent.patterns += patternsIn(condition).length
  const { patternsPerEnvironment } = limits
  if (spent.patterns <= patternsPerEnvironment) return leafErrors(condition, at, spent)
  spent.errors = errorsMax
  const detail = `makes more than ${patternsPerEnvironment} patterns (matches), which is what an environment may hold`
  return [{ pointer: at, detail }]
}

const errorsMax = 20

function leafErrors(condition: Condition, at: string, spent: Spent): WrongField[] {
  const parts = partsOf(condition)
  if (parts) return parts.flatMap(({ part, path }) => leafErrors(part, at + pointerOf(path), spent))
  if (spent.errors >= errorsMax) return []
  const detail = refusalOf(condition as ConditionLeaf, spent) // what has no parts is a leaf
  if (detail === null) return []
  spent.errors++
  return [{ pointer: at, detail }]
}

function refusalOf(leaf: ConditionLeaf, spent: Spent): string | null {
  if (!('op' in leaf)) return null
  const attribute = attributeAt(new Map(), leaf.attribute)
  const wanted = leaf.negate !== true
  const compilePattern = (pattern: string) => spend(pattern, spent)
  try {
    operators[leaf.op]({ leaf: { ...leaf }, attribute, wanted, compilePattern, times: makeTimes() })
    return null
  } catch (error) {
    // What the engine throws here would be a reader's PARSE_ERROR: it becomes the answer to whoever saves it.
    if (error instanceof SyntaxError) return error.message
    throw error
  }
}

/** In place of the compiler: what is only checked is never searched with. */
function spend(pattern: string, spent: Spent): () => boolean {
  const measured = measurePattern(pattern)
  if ('refusal' in measured) throw new SyntaxError(measured.refusal)
  spent.instructions += measured.size
  const { patternInstructionsPerEnvironment: max } = limits
  if (spent.instructions > max) {
    spent.errors = errorsMax
    throw new SyntaxError(
      `with it the patterns (matches) count as ${spent.instructions} instructions, and an environment may hold ${max}: shorten them, or use eq, in, startsWith, contains`,
    )
  }
  return () => false
}
