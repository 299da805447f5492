import { contextOverLimit } from '@halyard/shared/checks/context-limit.ts'
import type { EvaluationContext, Json } from '@halyard/shared/engine/model.ts'
import { overLimit, Refusal } from './refusal.ts'

const bodyBytesMax = 64 * 1024

/** The context of an evaluation request, within the limits that the edge holds. */
export async function readContext(request: Request): Promise<EvaluationContext> {
  const members = await readObject(request)
  const context = Object.hasOwn(members, 'context') ? members['context'] : {}
  if (!isObject(context)) throw new Refusal('INVALID_CONTEXT', 'the context is not a JSON object')
  const over = contextOverLimit(context)
  if (over === null) return context
  throw overLimit(over.name === 'contextBytes' ? 'TOO_LARGE' : 'INVALID_CONTEXT', over.name, over.max)
}

async function readObject(request: Request): Promise<EvaluationContext> {
  const value = parse(await readText(request))
  if (!isObject(value)) throw new Refusal('PARSE_ERROR', 'the body is not a JSON object')
  return value
}

async function readText(request: Request): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > bodyBytesMax) throw overLimit('TOO_LARGE', 'bodyBytes', bodyBytesMax)
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    throw new Refusal('PARSE_ERROR', 'the body is not UTF-8')
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json // a parser of JSON gives nothing else
  } catch {
    throw new Refusal('PARSE_ERROR', 'the body is not JSON')
  }
}

function isObject(value: Json | undefined): value is EvaluationContext {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
