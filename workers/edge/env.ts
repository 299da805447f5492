import type { HubReadApi } from '@halyard/shared/protocol/hub.ts'

export interface EdgeEnv {
  readonly HUB: HubReadApi & Pick<Fetcher, 'fetch'>
  readonly SNAPSHOTS: Pick<KVNamespace, 'get'>
  /** JSON array of public Ed25519 JWKs. */
  readonly TRUSTED_KEYS: string
  /** Makes the check value in keys; shared with control. */
  readonly ID_CHECK_SECRET: string
  /** Makes ETags opaque. */
  readonly ETAG_SECRET: string
}
