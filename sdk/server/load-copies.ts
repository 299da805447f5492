/** What a client starts from before it has heard of its edge: what it was given, then what was kept. */
import type { CopyOrigin } from '../sync/replica.ts'
import type { Reader } from '../sync/reader.ts'
import { parseCopy } from '../sync/saved-copy.ts'
import type { Trust } from '../sync/trust.ts'
import type { ServerSettings } from './server-options.ts'

export interface LoadPorts {
  readonly reader: Reader
  readonly trust: Trust
  readonly setTimer: (ms: number, run: () => void) => () => void
}

/** What takes longer is not waited for: it is offered when it comes. */
const patienceMs = 1_000

/** Resolves when all was offered, or has had its time. Never rejects. */
export async function loadCopies(
  { bootstrap, store, logger }: ServerSettings,
  { reader, trust, setTimer }: LoadPorts,
): Promise<void> {
  const offer = async (origin: CopyOrigin, load: () => Promise<string | null>) => {
    try {
      const text = await load()
      if (text === null) return
      const copy = parseCopy(text)
      if (copy?.keys) trust.trustStored(copy.keys)
      const taken = copy ? await reader.offer(copy, origin) : 'unfit'
      if (taken === 'unfit' || taken === 'refused')
        logger.warn(
          `the flags from ${origin} are not used: they are damaged, or of another environment or signer`,
        )
    } catch (cause) {
      // The edge, or the other source, has flags.
      logger.warn(`the flags from ${origin} cannot be read: ${String(cause)}`)
    }
  }
  const all = async () => {
    await offer('bootstrap', async () => bootstrap)
    if (store !== null) await offer('store', async () => await store.load())
  }
  await new Promise<void>((resolve) => {
    const cancel = setTimer(patienceMs, resolve)
    void all().finally(() => {
      cancel()
      resolve()
    })
  })
}
