import type { Splice } from '@halyard/shared/protocol/delta.ts'
import type { ServerClassMessage } from '@halyard/shared/protocol/stream.ts'

/** Reads a message of a server-class stream: `unknown` if its kind is, null if it is no message. */
export function readMessage(text: string): ServerClassMessage | 'unknown' | null {
  try {
    const message = JSON.parse(text) as Readonly<Record<string, unknown>> | null // each field is checked below
    return message === null ? null : checked(message)
  } catch {
    return null // not JSON: the connection is no stream of ours
  }
}

/** Whether a value is what a delta holds beside its head: `set`, `remove` and `splice`, and the hash of its base. */
export function isDeltaContent(value: Readonly<Record<string, unknown>>): boolean {
  const { base, set, remove, splice } = value
  return (
    typeof base === 'string' &&
    isTexts(set) &&
    isTexts(remove) &&
    Array.isArray(splice) &&
    splice.every(isSplice)
  )
}

function checked(message: Readonly<Record<string, unknown>>): ServerClassMessage | 'unknown' | null {
  return isSound(message) ? (message as unknown as ServerClassMessage) : faultyOrUnknown(message)
}

/** Whether it has the fields of its kind. */
function isSound(message: Readonly<Record<string, unknown>>): boolean {
  const { kind, signedHead, body, heartbeatSec, confirmedAt, retryAfterMs } = message
  if (kind === 'pong') return true
  if (kind === 'goaway') return isCount(retryAfterMs)
  if (typeof signedHead !== 'string') return false
  if (kind === 'hello') return isCount(heartbeatSec)
  if (kind === 'head') return isCount(confirmedAt)
  return kind === 'snapshot' ? typeof body === 'string' : kind === 'delta' && isDeltaContent(message)
}

const kinds: readonly unknown[] = [
  'hello',
  'snapshot',
  'delta',
  'head',
  'goaway',
  'pong',
] satisfies ServerClassMessage['kind'][]

function faultyOrUnknown({ kind }: Readonly<Record<string, unknown>>): 'unknown' | null {
  return typeof kind === 'string' && !kinds.includes(kind) ? 'unknown' : null
}

function isSplice(value: unknown): value is Splice {
  if (!Array.isArray(value) || value.length !== 4) return false
  const [name, at, length, text]: unknown[] = value
  return typeof name === 'string' && isCount(at) && isCount(length) && typeof text === 'string'
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
