import { contextOverLimit } from '@halyard/shared/checks/context-limit.ts'
import { pointerOf } from '@halyard/shared/checks/wrong-field.ts'
import type { EvaluationContext } from '@halyard/shared/engine/model.ts'
import { ProblemError } from '../problem.ts'

/** Throws a problem that names the first limit which the context breaks, and where. */
export function refuseOverLimit(context: EvaluationContext): void {
  const over = contextOverLimit(context)
  if (over === null) return
  const detail = `over the limit: ${over.name} is at most ${over.max}`
  throw new ProblemError('invalid_input', {
    detail,
    errors: [{ pointer: `/context${pointerOf(over.path)}`, detail }],
  })
}
