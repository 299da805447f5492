/** Keeps the content of an environment as its stream tells it, and tells what each version changed. */
import { createHash } from 'node:crypto'
import { applyChanges } from '@halyard/shared/protocol/delta.ts'
import type { Heard } from './messages.ts'
import { changesBetween, readFlagTexts, type FlagChange, type FlagTexts } from './snapshot-changes.ts'

/** What is told of the stream; each is one line of the machine output. */
export type WatchEvent =
  | { readonly event: 'snapshot'; readonly version: string; readonly flags: number }
  | { readonly event: 'version'; readonly version: string; readonly changes: readonly FlagChange[] | null }
  | { readonly event: 'disconnected'; readonly reason: string; readonly retryInMs: number }

export interface Follower {
  /** False if a message does not fit what is held: the whole is needed. */
  readonly hear: (heard: Exclude<Heard, { kind: 'goaway' }>) => boolean
  /** Where to go on from; null for the whole. */
  readonly version: () => string | null
}

interface Held {
  readonly body: string
  readonly flags: FlagTexts
}

export function makeFollower(tell: (event: WatchEvent) => void): Follower {
  let held: Held | null = null
  let version: string | null = null
  const take = (body: string, newVersion: string) => {
    const before = held
    held = { body, flags: readFlagTexts(body) }
    version = newVersion
    if (before === null) tell({ event: 'snapshot', version, flags: held.flags.size })
    else tell({ event: 'version', version, changes: changesBetween(before.flags, held.flags) })
  }
  const hear: Follower['hear'] = (heard) => {
    switch (heard.kind) {
      case 'alive':
      case 'head':
        return true
      case 'hello':
        version ??= heard.version
        return true
      case 'changed':
        version = heard.version
        tell({ event: 'version', version, changes: null })
        return true
      case 'snapshot':
        take(heard.body, heard.version)
        return true
      case 'delta': {
        const body = held && resultOf(held.body, heard)
        if (body === null) version = null
        else take(body, heard.version)
        return body !== null
      }
    }
    return heard satisfies never
  }
  return { hear, version: () => version }
}

/** Null unless it applies to exactly this body, and gives exactly what its head names. */
function resultOf(body: string, { delta, resultHash }: Extract<Heard, { kind: 'delta' }>): string | null {
  if (sha256(body) !== delta.base) return null
  const result = applyChanges(body, delta)
  return result !== null && sha256(result) === resultHash ? result : null
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
