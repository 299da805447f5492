import type { HubPublishApi } from '@halyard/shared/protocol/hub.ts'
import type { EnvironmentScope } from './ports.ts'

/** What the Worker asks of the object that publishes an environment. */
export interface PublisherObject extends Rpc.DurableObjectBranded {
  arm(scope: EnvironmentScope, change: string): Promise<void>
  go(change: string): Promise<void>
  release(change: string): void
  sweep(scope: EnvironmentScope): Promise<void>
}

/** Bindings, variables and secrets of the control Worker. */
export interface Env {
  /** Signs in as `halyard_app`; never the owner of the tables. */
  readonly DATABASE_URL: string
  /** `host:port` of a Neon-compatible gateway, where Postgres is not Neon itself. */
  readonly NEON_GATEWAY?: string
  /** The private Ed25519 JWK, with `kid`, that signs heads. */
  readonly SIGNING_KEY: string
  /** The public keys that hub and edge trust, while one replaces another; its own if it is left out. */
  readonly TRUSTED_KEYS?: string
  /** The secret of the check values in keys, shared with the edge. */
  readonly ID_CHECK_SECRET: string
  /** The public address of the edge, for examples in the API reference. */
  readonly EDGE_URL?: string
  readonly PUBLISHERS: DurableObjectNamespace<PublisherObject>
  readonly HUB: Service & HubPublishApi
}
