/** Reading a request's body: within bounds, and without trusting its shape. */
import type { EvaluationContext, Json } from '@halyard/shared/engine/model.ts'
import { Refusal } from './refusal.ts'

export const requestLimits = {
  bodyBytes: 64 * 1024,
  contextBytes: 32 * 1024,
  contextDepth: 8,
  contextAttributes: 200,
  contextStringBytes: 2 * 1024,
  contextListItems: 100,
} as const

type LimitName = keyof typeof requestLimits

/** The members of an evaluation request; the context is checked, the others are not. */
export interface EvaluationBody {
  readonly context: EvaluationContext
  readonly members: Readonly<Record<string, unknown>>
}

const encoder = new TextEncoder()

export async function readEvaluationBody(request: Request): Promise<EvaluationBody> {
  const text = await readBounded(request)
  // The context lies one level down.
  if (isDeeperThan(text, requestLimits.contextDepth + 1)) throw overLimit('INVALID_CONTEXT', 'contextDepth')
  const members = parseObject(text)
  const context = Object.hasOwn(members, 'context') ? members['context'] : {}
  if (!isObject(context)) throw new Refusal('INVALID_CONTEXT', 'the context is not a JSON object')
  if (text.length > requestLimits.contextBytes / 3) checkBytes(context)
  checkShape(context)
  return { context, members }
}

async function readBounded(request: Request): Promise<string> {
  const announced = request.headers.get('Content-Length')
  if (announced === null) return await readChunks(request)
  if (Number(announced) > requestLimits.bodyBytes) throw overLimit('TOO_LARGE', 'bodyBytes')
  return await request.text()
}

/** A body of unannounced length is given up as soon as it is too long. */
async function readChunks(request: Request): Promise<string> {
  if (!request.body) return ''
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.byteLength
    if (size > requestLimits.bodyBytes) throw overLimit('TOO_LARGE', 'bodyBytes')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** On the raw text, since a parser accepts a depth at which a walk would overflow. */
function isDeeperThan(text: string, depthMax: number): boolean {
  let depth = 0
  let isInString = false
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (isInString) {
      if (unit === 92) i++
      else if (unit === 34) isInString = false
    } else if (unit === 34) isInString = true
    else if (unit === 123 || unit === 91) {
      if (++depth > depthMax) return true
    } else if (unit === 125 || unit === 93) depth--
  }
  return false
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Refusal('PARSE_ERROR', 'the body is not JSON')
  }
  if (!isObject(value)) throw new Refusal('PARSE_ERROR', 'the body is not a JSON object')
  return value
}

/** JSON.parse made it, so that its members are JSON. */
function isObject(value: unknown): value is EvaluationContext {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function checkBytes(context: EvaluationContext): void {
  const size = encoder.encode(JSON.stringify(context)).length
  if (size > requestLimits.contextBytes) throw overLimit('TOO_LARGE', 'contextBytes')
}

/** Bounded depth is known by now, so that recursion is safe. */
function checkShape(context: EvaluationContext): void {
  if (countAttributes(context) > requestLimits.contextAttributes) {
    throw overLimit('INVALID_CONTEXT', 'contextAttributes')
  }
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

function overLimit(code: 'INVALID_CONTEXT' | 'TOO_LARGE', name: LimitName): Refusal {
  const max = requestLimits[name]
  return new Refusal(code, `over the limit: ${name} is at most ${max}`, { limit: { name, max } })
}
