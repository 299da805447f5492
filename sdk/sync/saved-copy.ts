/** A copy as a text, from one process to another: `{"signedHead": …, "body": …, "keys": […]}`. */
import { parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import type { Copy } from './replica.ts'
import type { TrustedKeys } from './trust.ts'

export interface SavedCopy extends Pick<Copy, 'signedHead' | 'body'> {
  /** Those that the edge trusted; null if the reader was given its own. */
  readonly keys: TrustedKeys | null
}

export function formatCopy({ signedHead, body, keys }: SavedCopy): string {
  return JSON.stringify({ signedHead, body, ...(keys && { keys }) })
}

/** Null if the text is no copy. Whether it is sound is for the reader to verify. */
export function parseCopy(text: string): SavedCopy | null {
  try {
    const saved = JSON.parse(text) as Partial<Record<keyof SavedCopy, unknown>> | null // checked here
    const { signedHead, body, keys } = saved ?? {}
    if (typeof signedHead !== 'string' || typeof body !== 'string') return null
    return { signedHead, body, keys: keys === undefined ? null : parseTrustedKeys(JSON.stringify(keys)) }
  } catch {
    return null // cut short, or something else
  }
}
