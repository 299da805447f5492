/** The context of an evaluation request: within its limits, and without trusting its shape. */
import type { EvaluationContext, Json } from '@halyard/shared/engine/model.ts'
import { Refusal } from './refusal.ts'
import { isJsonObject, readJsonObject, type JsonObject } from './request-body.ts'
import { overLimit, requestLimits } from './request-limits.ts'

/** The members of an evaluation request; the context is checked, the others are not. */
export interface EvaluationBody {
  readonly context: EvaluationContext
  readonly members: JsonObject
}

const encoder = new TextEncoder()
/** A context is measured without its blanks; a number written as 1e20 is then this many times as long. */
const growthMax = 6

export async function readEvaluationBody(request: Request): Promise<EvaluationBody> {
  const { members, size } = await readJsonObject(request)
  const context = Object.hasOwn(members, 'context') ? members['context'] : {}
  if (!isJsonObject(context)) throw new Refusal('INVALID_CONTEXT', 'the context is not a JSON object')
  if (size * growthMax > requestLimits.contextBytes) checkBytes(context)
  // The body was not too deep, so that recursion is safe.
  if (countAttributes(context) > requestLimits.contextAttributes) {
    throw overLimit('INVALID_CONTEXT', 'contextAttributes')
  }
  return { context, members }
}

function checkBytes(context: EvaluationContext): void {
  const size = encoder.encode(JSON.stringify(context)).length
  if (size > requestLimits.contextBytes) throw overLimit('TOO_LARGE', 'contextBytes')
}

/** The names in a value, at every level; strings and lists are checked on the way. */
function countAttributes(value: Json): number {
  if (typeof value === 'string') {
    checkString(value)
    return 0
  }
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value) && value.length > requestLimits.contextListItems) {
    throw overLimit('INVALID_CONTEXT', 'contextListItems')
  }
  let count = 0
  const parts = Object.values(value)
  for (const part of parts) count += countAttributes(part)
  return Array.isArray(value) ? count : count + parts.length
}

function checkString(text: string): void {
  const max = requestLimits.contextStringBytes
  if (text.length * 3 > max && encoder.encode(text).length > max) {
    throw overLimit('INVALID_CONTEXT', 'contextStringBytes')
  }
}
