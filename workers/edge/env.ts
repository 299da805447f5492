import type { UsageMessage } from '@halyard/shared/contract/usage.ts'
import type { HubReadApi } from '@halyard/shared/protocol/hub.ts'

export interface EdgeEnv {
  readonly HUB: HubReadApi & Pick<Fetcher, 'fetch'>
  readonly SNAPSHOTS: Pick<KVNamespace, 'get'>
  /** Events and usage, on their way to control. */
  readonly EVENTS: { readonly send: (message: UsageMessage) => Promise<unknown> }
  /** JSON array of public Ed25519 JWKs. */
  readonly TRUSTED_KEYS: string
  /** Makes the check value in keys; shared with control. */
  readonly ID_CHECK_SECRET: string
  /** Makes ETags opaque. */
  readonly ETAG_SECRET: string
  /** Signs the credentials that open streams: a text, or a JSON list of one or two {kid, secret}, of which the first signs. */
  readonly STREAM_SECRET: string
  /** Counts opens of streams in a location, if there is such a binding. */
  readonly STREAM_OPENS?: RateLimit
  /** Counts batches of events in a location, if there is such a binding. */
  readonly EVENT_BATCHES?: RateLimit
}
