/** The flags that are served just now, and who is told when they change. */
import { loadBody } from '@halyard/shared/flag-file/compile-flag-file.ts'
import type { Snapshot } from '@halyard/shared/engine/snapshot.ts'
import { changedFlags } from '@halyard/sdk/client/changed-flags.ts'

export interface ServedFlags {
  readonly snapshot: () => Snapshot
  /** A version token; a later start gives later ones. */
  readonly token: () => string
  /** Puts another body in place. Gives the keys of the flags that the change may concern. */
  readonly put: (body: string) => readonly string[]
  /** Calls back at each change until what it returns is called. */
  readonly onChange: (listener: () => void) => () => void
}

/** `epoch` rises from one start to the next. */
export function makeServedFlags(body: string, epoch: number): ServedFlags {
  let snapshot = loadBody(body)
  let version = 1
  const listeners = new Set<() => void>()
  return {
    snapshot: () => snapshot,
    token: () => `${epoch}.${version}`,
    put: (next) => {
      const loaded = loadBody(next)
      const changed = changedFlags(snapshot.lines, loaded.lines)
      snapshot = loaded
      if (changed.length === 0) return changed
      version++
      for (const listener of listeners) listener()
      return changed
    },
    onChange: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
