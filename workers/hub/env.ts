import type {
  Confirmation,
  Held,
  Publication,
  PublishAnswer,
  ReadAnswer,
} from '@halyard/shared/protocol/hub.ts'

/** What the entrypoints ask of the object of an environment. */
export interface EnvironmentObject extends Rpc.DurableObjectBranded {
  publish(publication: Publication): Promise<PublishAnswer>
  storeBlob(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<'stored' | 'refused'>
  confirm(): Confirmation | null
  read(reader: Held): ReadAnswer | null
  blob(hash: string): Uint8Array<ArrayBuffer> | null
  fetch(request: Request): Promise<Response>
}

export interface HubEnv {
  readonly ENVIRONMENTS: DurableObjectNamespace<EnvironmentObject>
  readonly SNAPSHOTS: KVNamespace
  /** JSON array of public Ed25519 JWKs. */
  readonly TRUSTED_KEYS: string
}
