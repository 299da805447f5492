import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { hashNow } from './sealing.ts'

/** A key of the environment, with the text that its reader sends. */
export interface SimKey extends AccessKey {
  readonly text: string
}

export function makeSimKey(id: string, keyClass: AccessKey['class']): SimKey {
  const text = `text-of-${id}`
  return { id, text, hash: hashNow(text), class: keyClass }
}
