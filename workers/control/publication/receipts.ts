import type { HubPublishApi } from '@halyard/shared/protocol/hub.ts'
import { inTime } from '../in-time.ts'
import type { ReadReceipts } from '../ports.ts'

/** Asks the hub, but does not wait long: who reads a version is told the rest without it. */
export function makeReceiptReader(hub: Pick<HubPublishApi, 'receipts'>, waitMs = 1_000): ReadReceipts {
  return async (environmentId, version) => {
    try {
      return await inTime(hub.receipts(environmentId, version), { maxMs: waitMs, what: 'the hub' })
    } catch {
      return null // it cannot be reached in time, or is of the version before receipts: nobody can say
    }
  }
}
