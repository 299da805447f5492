import type { Held, HubPublishApi, Publication } from '@halyard/shared/protocol/hub.ts'
import type { HubCore } from './hub-core.ts'
import type { RelayAck, RelayBeat, RelayUpdate } from './relay-wire.ts'

/** What the entrypoints and the relays ask of the object of an environment. */
export interface EnvironmentObject extends Rpc.DurableObjectBranded {
  publish(publication: Publication): ReturnType<HubPublishApi['publish']>
  storeBlob(hash: string, bytes: Uint8Array<ArrayBuffer>): ReturnType<HubPublishApi['storeBlob']>
  receipts(version: string): ReturnType<HubCore['receipts']>
  confirm(): ReturnType<HubCore['confirm']>
  read(reader: Held): ReturnType<HubCore['read']>
  blob(hash: string): ReturnType<HubCore['blob']>
  beat(beat: RelayBeat): ReturnType<HubCore['beat']>
}

/** What the hub and the entrypoints ask of a relay: its `fetch` opens a stream. */
export interface RelayObject extends Rpc.DurableObjectBranded {
  push(update: RelayUpdate): Promise<RelayAck | null>
  fetch(request: Request): Promise<Response>
}

export interface HubEnv {
  readonly ENVIRONMENTS: DurableObjectNamespace<EnvironmentObject>
  readonly RELAYS: DurableObjectNamespace<RelayObject>
  readonly SNAPSHOTS: KVNamespace
  /** JSON array of public Ed25519 JWKs. */
  readonly TRUSTED_KEYS: string
}
