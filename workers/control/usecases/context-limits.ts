/** The limits of contexts, which the edge holds on the bytes before it parses. Pure. */
import type { EvaluationContext, Json } from '@halyard/shared/engine/model.ts'
import { contextLimits } from '@halyard/shared/protocol/context-limits.ts'
import { pointerOf, ProblemError } from '../problem.ts'

const encoder = new TextEncoder()

/** Throws a problem that names the first limit which the context breaks, and where. */
export function refuseOverLimit(context: EvaluationContext): void {
  if (bytesOf(JSON.stringify(context)) > contextLimits.contextBytes) throw overLimit('contextBytes', [])
  const open: { readonly value: Json; readonly path: readonly string[] }[] = [{ value: context, path: [] }]
  let names = 0
  for (let item = open.pop(); item; item = open.pop()) {
    const { value, path } = item
    if (typeof value === 'string' && bytesOf(value) > contextLimits.contextStringBytes)
      throw overLimit('contextStringBytes', path)
    if (typeof value !== 'object' || value === null) continue
    if (path.length >= contextLimits.contextDepth) throw overLimit('contextDepth', path)
    const parts = Object.entries(value)
    if (!Array.isArray(value)) names += parts.length
    else if (parts.length > contextLimits.contextListItems) throw overLimit('contextListItems', path)
    if (names > contextLimits.contextAttributes) throw overLimit('contextAttributes', path)
    for (const [name, part] of parts) open.push({ value: part, path: [...path, name] })
  }
}

function overLimit(name: keyof typeof contextLimits, path: readonly string[]): ProblemError {
  const detail = `over the limit: ${name} is at most ${contextLimits[name]}`
  return new ProblemError('invalid_input', {
    detail,
    errors: [{ pointer: `/context${pointerOf(path)}`, detail }],
  })
}

function bytesOf(text: string): number {
  return text.length * 3 <= contextLimits.contextStringBytes ? text.length : encoder.encode(text).length
}
