import type { HubPublishApi } from '@halyard/shared/protocol/hub.ts'
import type { ReadReceipts } from '../ports.ts'

/** Asks the hub, but does not wait long: who reads a version is told the rest without it. */
export function makeReceiptReader(hub: Pick<HubPublishApi, 'receipts'>, waitMs = 1_000): ReadReceipts {
  return async (environmentId, version) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), waitMs)
    })
    try {
      return await Promise.race([hub.receipts(environmentId, version), late])
    } catch {
      return null // it cannot be reached, or is of the version before receipts: nobody can say
    } finally {
      if (timer !== undefined) clearTimeout(timer)
    }
  }
}
