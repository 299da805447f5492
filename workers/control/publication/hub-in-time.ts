import { inTime } from '../in-time.ts'
import type { PublishDeps } from './publish.ts'

/** The hub, with an end to each call: one that is never answered would hold its environment's publisher for ever. */
export function hubInTime(hub: PublishDeps['hub'], maxMs = 15_000): PublishDeps['hub'] {
  return {
    publish: (environment, publication) =>
      inTime(hub.publish(environment, publication), { maxMs, what: 'publishing at the hub' }),
    storeBlob: (environment, hash, bytes) =>
      inTime(hub.storeBlob(environment, hash, bytes), { maxMs, what: 'a blob for the hub' }),
  }
}
