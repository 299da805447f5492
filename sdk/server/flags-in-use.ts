import { makeTally, type Tally } from '@halyard/shared/engine/tally.ts'
import { nameOf } from '@halyard/shared/protocol/delta.ts'
import { changedFlags, flagsReaching } from '../client/changed-flags.ts'
import type { FlagChange, Logger } from '../client/flag-client.ts'
import { makeListeners, type Listeners } from '../client/listeners.ts'
import type { FlagView } from '../client/make-flags.ts'
import type { Adopted } from '../sync/adopter.ts'
import type { InUse } from './client-status.ts'

/** The version that evaluations see, and who hears of another. */
export interface FlagsInUse {
  readonly view: () => FlagView | null
  readonly inUse: () => InUse | null
  /** All views count here: what a request still holds is not lost. */
  readonly tally: Tally
  readonly changes: Listeners<FlagChange>
  readonly adopt: (adopted: Adopted) => void
  readonly complete: (adopted: Adopted, hash: string) => void
}

const noLines: readonly string[] = []

export function makeFlagsInUse(logger: Logger): FlagsInUse {
  const tally = makeTally()
  const changes = makeListeners<FlagChange>('change', logger)
  let view: FlagView | null = null
  let inUse: InUse | null = null
  return {
    view: () => view,
    inUse: () => inUse,
    tally,
    changes,
    adopt: ({ copy: { token: version, origin }, snapshot }) => {
      const before = view?.snapshot.lines ?? noLines
      view = { snapshot, version, tally }
      inUse = { version, origin }
      if (changes.count() > 0) changes.tell({ version, flags: changedFlags(before, snapshot.lines) })
    },
    complete: ({ copy: { token: version }, snapshot: { lines } }, hash) => {
      const segments = lines.filter((line) => line.startsWith('segment\t') && line.includes(hash)).map(nameOf)
      if (changes.count() > 0) changes.tell({ version, flags: flagsReaching(lines, segments) })
    },
  }
}
