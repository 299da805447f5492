/** A request's body as a JSON object, within bounds that are held before anything is parsed. */
import type { Json } from '@halyard/shared/engine/model.ts'
import { overLimit, requestLimits } from './request-limits.ts'
import { Refusal } from './refusal.ts'

export type JsonObject = { readonly [name: string]: Json }

export interface Body {
  readonly members: JsonObject
  /** In bytes, as it was sent. */
  readonly size: number
}

const encoder = new TextEncoder()
const replacement = '\ufffd'
const units = { quote: 34, backslash: 92, openList: 91, closeList: 93, openObject: 123, closeObject: 125 }

type SizeLimit = 'bodyBytes' | 'eventsBytes'

/** The object, no deeper than the limit of a context, which lies one level down. Of repeated names the last holds. */
export async function readJsonObject(request: Request, sizeLimit: SizeLimit = 'bodyBytes'): Promise<Body> {
  const { text, size } = await readBounded(request, sizeLimit)
  if (isDeeperThan(text, requestLimits.contextDepth + 1)) throw overLimit('INVALID_CONTEXT', 'contextDepth')
  const members = parse(text)
  if (!isJsonObject(members)) throw new Refusal('PARSE_ERROR', 'the body is not a JSON object')
  return { members, size }
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function readBounded(request: Request, limit: SizeLimit): Promise<{ text: string; size: number }> {
  const announced = request.headers.get('Content-Length')
  if (announced === null) return await readChunks(request, limit)
  const size = Number(announced)
  // Written so that a length that is no number is too much.
  if (!(size <= requestLimits[limit])) throw overLimit('TOO_LARGE', limit)
  // Takes a third of what reading the bytes does, but puts U+FFFD in the place of wrong ones, which shows in the length:
  // wrong bytes become longer, all but the first three of a character of four. A byte order mark is left out without a
  // word, so that a text with one and a U+FFFD that was sent is refused too. What passes is one with a mark and wrong
  // bytes that together become longer by just its three.
  const text = await request.text()
  if (text.includes(replacement) && encoder.encode(text).length !== size) throw notUtf8()
  return { text, size }
}

/** A body of unannounced length is given up as soon as it is too long. */
async function readChunks(request: Request, limit: SizeLimit): Promise<{ text: string; size: number }> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  let text = ''
  let size = 0
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength
      if (size > requestLimits[limit]) throw overLimit('TOO_LARGE', limit)
      text += decoder.decode(chunk, { stream: true })
    }
    return { text: text + decoder.decode(), size }
  } catch (error) {
    // A decoder of this kind throws nothing else.
    throw error instanceof TypeError ? notUtf8() : error
  }
}

/** A reader that put something else in the place of wrong bytes would decide for another context than was sent. */
function notUtf8(): Refusal {
  return new Refusal('PARSE_ERROR', 'the body is not UTF-8')
}

/** On the raw text, since a parser accepts a depth at which a walk would overflow. */
function isDeeperThan(text: string, depthMax: number): boolean {
  let depth = 0
  let isInString = false
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (isInString) {
      if (unit === units.backslash) i++
      else if (unit === units.quote) isInString = false
    } else if (unit === units.quote) isInString = true
    else if (unit === units.openObject || unit === units.openList) {
      if (++depth > depthMax) return true
    } else if (unit === units.closeObject || unit === units.closeList) depth--
  }
  return false
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json // a parser of JSON gives nothing else
  } catch {
    throw new Refusal('PARSE_ERROR', 'the body is not JSON')
  }
}
