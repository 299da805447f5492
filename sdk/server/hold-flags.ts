/** Holds the flags of an environment: the reader, what it starts from, what it keeps, and the version in use. */
import { compilePattern } from '@halyard/shared/pattern/pattern.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeAdopter, type Adopted } from '../sync/adopter.ts'
import { makeReader, type Reader } from '../sync/reader.ts'
import { trustEdge, trustGiven, type Trust } from '../sync/trust.ts'
import { makeKeeper, type Keeper } from './keep-copy.ts'
import { loadCopies } from './load-copies.ts'
import type { ServerPorts } from './server-ports.ts'
import type { ServerSettings } from './server-options.ts'

export interface Holder {
  readonly reader: Reader
  readonly trust: Trust
  /** Lets go of the edge, and saves what was not saved. Never rejects. */
  readonly close: () => Promise<void>
}

export interface HolderHears {
  /** A version was taken into use. */
  readonly adopted: (adopted: Adopted) => void
  /** The one in use was given a list of a segment that it lacked. */
  readonly completed: (adopted: Adopted, hash: string) => void
}

export function holdFlags(settings: ServerSettings, ports: ServerPorts, hears: HolderHears): Holder {
  const { logger, environment, bootstrap, store } = settings
  const report = logger.warn
  const trust = settings.trustedKeys ? trustGiven(settings.trustedKeys) : trustEdge({ ...ports, report })
  const reader = makeReader(environment, { ...ports, report, verify: trust.verify, hash: sha256Hex })
  const keeper: Keeper | null = store && makeKeeper({ ...ports, ...trust, store, report })
  const adopter = makeAdopter({
    ...ports,
    ...hears,
    report,
    compilePattern,
    hashBytes: async (bytes) => await sha256Hex(new Uint8Array(bytes)),
    loadBlob: async (hash) => (await store?.loadBlob?.(hash)) ?? null,
    fetched: (hash, bytes) => keeper?.keepBlob(hash, bytes),
  })
  reader.onChange((copy) => {
    keeper?.keep(copy)
    adopter.offer(copy)
  })
  const follow = () => {
    if (reader.status().phase === 'closed') return
    trust.warm()
    reader.start()
  }
  if (bootstrap === null && store === null) follow()
  // Not in the same turn: whoever waits for flags goes first, since loading a platform's `fetch` may take a while.
  else void loadCopies(settings, { ...ports, reader, trust }).then(() => ports.setTimer(0, follow))
  return {
    reader,
    trust,
    close: async () => {
      reader.close()
      adopter.close()
      await keeper?.close()
    },
  }
}
