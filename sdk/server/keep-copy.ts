/** Keeps the newest flags in a store, for the next process. */
import { describeCause } from '../client/describe-cause.ts'
import { namedBlobs } from '@halyard/shared/protocol/named-blobs.ts'
import type { Copy } from '../sync/replica.ts'
import { formatCopy } from '../sync/saved-copy.ts'
import type { TrustedKeys } from '../sync/trust.ts'
import type { FlagStore } from './flag-store.ts'
import { makeStoreCalls } from './store-calls.ts'

export interface KeeperPorts {
  readonly store: FlagStore
  readonly keysToStore: () => TrustedKeys | null
  readonly steadyNow: () => number
  readonly setTimer: (ms: number, run: () => void) => () => void
  readonly report: (what: string) => void
}

export interface Keeper {
  /** There is a newer copy. */
  readonly keep: (copy: Copy) => void
  readonly keepBlob: (hash: string, bytes: Uint8Array) => void
  /** Saves what was not saved yet. Never rejects. */
  readonly close: () => Promise<void>
}

/** At most one save in so long. */
const pauseMs = 5_000
/** What waits for a slow store may take so much memory; further lists are fetched again by the next process. */
const waitingBytesMax = 256 * 1024 * 1024

export function makeKeeper({ store, keysToStore, steadyNow, setTimer, report }: KeeperPorts): Keeper {
  const call = makeStoreCalls({ setTimer })
  let waiting: Copy | null = null
  let notBefore = -Infinity
  let cancel: (() => void) | null = null
  let saving: Promise<void> = Promise.resolve()
  let isFailing = false
  let waitingBytes = 0
  const save = async () => {
    const copy = waiting
    if (copy === null) return
    waiting = null
    try {
      await call(() => store.save(formatCopy({ ...copy, keys: keysToStore() })))
      await call(() => store.keepBlobs?.(namedBlobs(copy.body).map(({ hash }) => hash)))
      isFailing = false
    } catch (cause) {
      // The next change, or the end, is another chance.
      waiting ??= copy
      if (!isFailing) report(`the flags cannot be saved: ${describeCause(cause)}`)
      isFailing = true
    }
  }
  const saveAfterOthers = () => {
    cancel = null
    notBefore = steadyNow() + pauseMs
    return (saving = saving.then(save))
  }
  return {
    keep: (copy) => {
      // What the store has may be newer than what a process was started with: only the edge knows what is newest.
      if (copy.origin === 'store' || copy.origin === 'bootstrap') return
      waiting = copy
      cancel ??= setTimer(Math.max(0, notBefore - steadyNow()), () => void saveAfterOthers())
    },
    keepBlob: (hash, bytes) => {
      if (waitingBytes + bytes.length > waitingBytesMax)
        return report(`the list ${hash} of a segment is not saved: too much waits for the store already`)
      waitingBytes += bytes.length
      saving = saving
        .then(() => call(() => store.saveBlob?.(hash, bytes)))
        .catch((cause: unknown) => report(`a list of a segment cannot be saved: ${describeCause(cause)}`))
        .finally(() => (waitingBytes -= bytes.length))
    },
    close: async () => {
      cancel?.()
      await saveAfterOthers()
    },
  }
}
