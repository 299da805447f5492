import type { Json } from '../client/flags.ts'
import { canonicalJson } from './canonical-json.ts'
import type { Edge } from './post.ts'
import { sha256 } from './sha256.ts'

/** Whom answers are for. */
export interface Subject {
  readonly targetingKey: Json | undefined
  /** As JSON. */
  readonly context: string
  /** SHA-256 of edge, key and context. */
  readonly hash: string
}

/** For whom nothing is asked, whose values are those of no other: NaN equals nothing. */
export const nobody: Subject = { targetingKey: NaN, context: '', hash: '' }

/** Throws a TypeError if it is no context. */
export function makeSubject({ edge, key }: Pick<Edge, 'edge' | 'key'>, given: unknown): Subject {
  const context = readContext(given)
  return {
    targetingKey: JSON.parse(context).targetingKey,
    context,
    hash: sha256(canonicalJson([edge, key, context])),
  }
}

function readContext(given: unknown): string {
  let text
  try {
    text = canonicalJson(given)
  } catch (cause) {
    text = String(cause) // a circle, or a value that JSON does not know
  }
  if (text?.[0] === '{') return text
  throw new TypeError(`context is ${text}: must be a JSON object`)
}
