/** The limits of contexts, for whoever has one that is parsed. Pure. */
import type { EvaluationContext, Json } from '../engine/model.ts'
import { contextLimits } from '../protocol/context-limits.ts'

export interface OverLimit {
  readonly name: keyof typeof contextLimits
  readonly max: number
  /** Where in the context. */
  readonly path: readonly string[]
}

const encoder = new TextEncoder()

/** The first limit that a context breaks, and where; null if it breaks none. */
export function contextOverLimit(context: EvaluationContext): OverLimit | null {
  const open: { readonly value: Json; readonly path: readonly string[] }[] = [{ value: context, path: [] }]
  let names = 0
  for (let item = open.pop(); item; item = open.pop()) {
    const { value, path } = item
    if (typeof value === 'string' && bytesOf(value) > contextLimits.contextStringBytes)
      return overLimit('contextStringBytes', path)
    if (typeof value !== 'object' || value === null) continue
    if (path.length >= contextLimits.contextDepth) return overLimit('contextDepth', path)
    const parts = Object.entries(value)
    if (!Array.isArray(value)) names += parts.length
    else if (parts.length > contextLimits.contextListItems) return overLimit('contextListItems', path)
    if (names > contextLimits.contextAttributes) return overLimit('contextAttributes', path)
    for (const [name, part] of parts) open.push({ value: part, path: [...path, name] })
  }
  // Not too deep for what calls itself.
  return bytesOf(JSON.stringify(context)) > contextLimits.contextBytes ? overLimit('contextBytes', []) : null
}

function overLimit(name: OverLimit['name'], path: readonly string[]): OverLimit {
  return { name, max: contextLimits[name], path }
}

function bytesOf(text: string): number {
  return text.length * 3 <= contextLimits.contextStringBytes ? text.length : encoder.encode(text).length
}
