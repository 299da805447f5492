import { Buffer } from 'node:buffer'
import type { Delta } from '@halyard/shared/protocol/delta.ts'
import { formatVersion } from '@halyard/shared/protocol/version.ts'

/** What a message of the stream says to somebody who watches. Kinds that are not known here say nothing. */
export type Heard =
  | { readonly kind: 'alive' }
  /** The heartbeat, which wants a `ping`. */
  | { readonly kind: 'head' }
  /** A client key's stream begins: `version` is that of the last change it may see. */
  | { readonly kind: 'hello'; readonly version: string }
  | { readonly kind: 'snapshot'; readonly version: string; readonly body: string }
  | {
      readonly kind: 'delta'
      readonly version: string
      readonly delta: Delta
      /** The hash of the body that it leads to. */
      readonly resultHash: string
    }
  | { readonly kind: 'changed'; readonly version: string }
  | { readonly kind: 'goaway'; readonly retryAfterMs: number }

interface Head {
  readonly version: string
  readonly snapshotHash: string
}

/** Reads a message. The head's signature is not checked: nothing is decided by what is shown. */
export function readMessage(text: string): Heard {
  const message = parse(text)
  const { kind, signedHead, body, version, retryAfterMs } = message
  const head = typeof signedHead === 'string' ? headOf(signedHead) : null
  switch (kind) {
    case 'head':
      return { kind }
    case 'hello':
    case 'changed':
      if (typeof version === 'string') return { kind, version }
      break
    case 'snapshot':
      if (head && typeof body === 'string') return { kind, version: head.version, body }
      break
    case 'delta':
      if (head && isDelta(message))
        return { kind, version: head.version, delta: message, resultHash: head.snapshotHash }
      break
    case 'goaway':
      return { kind, retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : 0 }
  }
  return { kind: 'alive' }
}

function headOf(signedHead: string): Head | null {
  const payload = Buffer.from(signedHead.split('.')[1] ?? '', 'base64url').toString('utf8')
  const { epoch, version, snapshotHash } = parse(payload)
  if (typeof epoch !== 'number' || typeof version !== 'number') return null
  return { version: formatVersion({ epoch, version }), snapshotHash: String(snapshotHash) }
}

function isDelta(message: object): message is Delta {
  const { base, set, remove, splice } = message as Partial<Record<keyof Delta, unknown>> // each is checked here
  return (
    typeof base === 'string' &&
    areTexts(set) &&
    areTexts(remove) &&
    Array.isArray(splice) &&
    splice.every(isSplice)
  )
}

function areTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isSplice(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 4) return false
  const [name, at, length, text] = value as unknown[] // each is checked here
  return [name, text].every((part) => typeof part === 'string') && [at, length].every(Number.isSafeInteger)
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {} // an object
  } catch {
    return {} // says nothing
  }
}
