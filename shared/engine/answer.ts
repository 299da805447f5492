/** What a flag can answer. Answers are made once, when the flag is compiled, and shared by every evaluation. */
import type { Decision, ErrorCode, Json, Metadata, Resolution } from './model.ts'

export interface Answer {
  readonly full: Decision
  /** The same for class client, once somebody has asked: see `clientDecision`. */
  client: Decision | null
  /** The variant as other flags may ask for it: null for an error, and for a flag that is off for other reasons than its expiry. */
  readonly given: string | null
  /** The two as JSON text after a comma, once somebody has asked for all flags. */
  fullText: string | null
  clientText: string | null
  /** How often it was given since a tally took its count. */
  times: number
}

const noMetadata: Metadata = Object.freeze({})

/** Error details for class client never name a rule, an attribute or a definition's content. */
const clientDetails = {
  FLAG_NOT_FOUND: 'there is no such flag',
  PARSE_ERROR: 'the flag cannot be read',
  TARGETING_KEY_MISSING: 'the context lacks the value that decides the share this flag gives',
  INVALID_CONTEXT: 'the value that decides the share this flag gives is neither a text nor a number',
  GENERAL: 'the flag cannot be evaluated',
} as const satisfies Record<ErrorCode, string>

/** A result of a variant. `value` must be frozen already. */
export function makeAnswer(
  resolution: Omit<Resolution, 'metadata'>,
  metadata: Metadata = noMetadata,
): Answer {
  const given = resolution.reason === 'DISABLED' && !metadata.expired ? null : resolution.variant
  const full = Object.freeze(resolutionOf(resolution, Object.freeze(metadata)))
  const isPublic = metadata === noMetadata || metadata.expired === true
  return makeUnasked(full, isPublic ? full : null, given)
}

/** An error. It has no value and no variant. */
export function makeErrorAnswer(key: string, errorCode: ErrorCode, errorDetails: string): Answer {
  const full = Object.freeze(errorOf(key, errorCode, errorDetails))
  return makeUnasked(full, null, null)
}

/** The decision of an answer for class client: it says nothing of rules. */
export function clientDecision(answer: Answer): Decision {
  return (answer.client ??= Object.freeze(withoutRules(answer.full)))
}

/** The answer to a key that the snapshot does not hold, and to a hidden one that class client asks for. */
export function makeNotFound(key: string): Decision {
  return Object.freeze(errorOf(key, 'FLAG_NOT_FOUND', clientDetails.FLAG_NOT_FOUND))
}

/** One order of members here too. */
function makeUnasked(full: Decision, client: Decision | null, given: string | null): Answer {
  return { full, client, given, fullText: null, clientText: null, times: 0 }
}

function withoutRules(decision: Decision): Decision {
  if (decision.reason !== 'ERROR') return resolutionOf(decision, noMetadata)
  return errorOf(decision.key, decision.errorCode, clientDetails[decision.errorCode])
}

/** One order of members, so that all decisions have one hidden class. */
function resolutionOf(
  { key, value, variant, reason }: Omit<Resolution, 'metadata'>,
  metadata: Metadata,
): Decision {
  return { key, value, variant, reason, metadata }
}

function errorOf(key: string, errorCode: ErrorCode, errorDetails: string): Decision {
  return { key, reason: 'ERROR', errorCode, errorDetails, metadata: noMetadata }
}

/** Freezes a value all through, so that no caller can change what others are given. Walks without recursion. */
export function freezeDeep(value: Json): Json {
  const rest: Json[] = [value]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (typeof next !== 'object' || next === null) continue
    for (const part of Object.values(Object.freeze(next))) rest.push(part)
  }
  return value
}
