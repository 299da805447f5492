import { attributeAt } from '@halyard/shared/engine/attribute.ts'
import { operators } from '@halyard/shared/engine/operators/operators.ts'
import { makeTimes } from '@halyard/shared/engine/times.ts'
import { partsOf, type Condition, type ConditionLeaf } from '@halyard/shared/contract/condition.ts'
import { compilePattern } from '@halyard/shared/pattern/pattern.ts'
import type { WrongField } from '../problem.ts'
import { pointerOf } from '../problem.ts'

/** Every comparison that the engine would refuse, found by letting it compile each. */
export function conditionErrors(condition: Condition, at: string): WrongField[] {
  const parts = partsOf(condition)
  if (parts) return parts.flatMap(({ part, path }) => conditionErrors(part, at + pointerOf(path)))
  const detail = refusalOf(condition as ConditionLeaf) // what has no parts is a leaf
  return detail === null ? [] : [{ pointer: at, detail }]
}

function refusalOf(leaf: ConditionLeaf): string | null {
  if (!('op' in leaf)) return null
  const attribute = attributeAt(new Map(), leaf.attribute)
  const wanted = leaf.negate !== true
  try {
    operators[leaf.op]({ leaf: { ...leaf }, attribute, wanted, compilePattern, times: makeTimes() })
    return null
  } catch (error) {
    // What the engine throws here would be a reader's PARSE_ERROR: it becomes the answer to whoever saves it.
    if (error instanceof SyntaxError) return error.message
    throw error
  }
}
