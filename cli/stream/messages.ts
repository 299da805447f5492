import { Buffer } from 'node:buffer'
import { formatVersion } from '@halyard/shared/protocol/version.ts'

/** What a message of the stream says to somebody who watches. Kinds that are not known here say nothing. */
export type Heard =
  | { readonly kind: 'alive' }
  | { readonly kind: 'snapshot'; readonly version: string; readonly body: string }
  | { readonly kind: 'changed'; readonly version: string }
  | { readonly kind: 'goaway'; readonly retryAfterMs: number }

/** Reads a message. The head's signature is not checked: nothing is decided by what is shown. */
export function readMessage(text: string): Heard {
  const message = parse(text)
  const { kind, signedHead, body, version, retryAfterMs } = message
  switch (kind) {
    case 'snapshot': {
      const token = typeof signedHead === 'string' ? versionOf(signedHead) : null
      if (token !== null && typeof body === 'string') return { kind, version: token, body }
      break
    }
    case 'changed':
      if (typeof version === 'string') return { kind, version }
      break
    case 'goaway':
      return { kind, retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : 0 }
  }
  return { kind: 'alive' }
}

function versionOf(signedHead: string): string | null {
  const { epoch, version } = parse(Buffer.from(signedHead.split('.')[1] ?? '', 'base64url').toString('utf8'))
  return typeof epoch === 'number' && typeof version === 'number' ? formatVersion({ epoch, version }) : null
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {} // an object
  } catch {
    return {} // says nothing
  }
}
