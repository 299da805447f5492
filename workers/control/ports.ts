import type { AppliedSegmentState, RecordedFlagState } from '@halyard/shared/checks/applied-state.ts'
import type { Expiry, Json, LayerConfig, Variant } from '@halyard/shared/engine/model.ts'
import type { ValueType } from '@halyard/shared/contract/flag.ts'
import type { Role } from '@halyard/shared/contract/resources.ts'
import type { Receipt } from '@halyard/shared/protocol/hub.ts'
import type { Database } from './store/database.ts'

/** One environment as publication knows it. */
export interface EnvironmentScope {
  readonly orgId: string
  readonly environmentId: string
}

/** Drives publication. */
export interface Publishers {
  /** Durable when it resolves: the environment will be published even if the caller dies right after. */
  arm(scope: EnvironmentScope): Promise<Armed>
}

/** A change that publication waits for. */
export interface Armed {
  /** It is committed: publish it now. */
  go(): void
  /** It was rolled back. */
  release(): void
}

/** What use cases need from outside. */
export interface Deps {
  readonly db: Database
  readonly publishers: Publishers
  readonly nowMs: () => number
  /** The secret behind the check values in keys, shared with the edge. */
  readonly checkSecret: string
  readonly readReceipts: ReadReceipts
}

/** Which relays confirmed a version (a token) of an environment; null if nobody can say. Never throws. */
export type ReadReceipts = (environmentId: string, version: string) => Promise<readonly Receipt[] | null>

/** Who asks, as the token says. */
export interface Actor {
  readonly keyId: string
  readonly orgId: string
  readonly orgKey: string
  readonly role: Role
  readonly project: { readonly id: string; readonly key: string } | null
  readonly environment: { readonly id: string; readonly key: string } | null
  readonly requestId: string
  readonly idempotency: Idempotency | null
}

/** What identifies a repeated write: `id` and `requestHash` are stored, `encryptionKey` never is. */
export interface Idempotency {
  readonly id: string
  readonly requestHash: string
  readonly encryptionKey: Awaited<ReturnType<typeof crypto.subtle.importKey>>
}

/** What history keeps of a flag at a version. */
export interface FlagRecord {
  readonly key: string
  readonly valueType: ValueType
  readonly variants: readonly Variant[]
  readonly seed: string
  readonly clientVisible: boolean
  readonly archived: boolean
  /** Of a flag that gives a variant when it expires. */
  readonly expiry?: Expiry
  readonly state: RecordedFlagState
}

/** What history keeps of a segment at a version. */
export interface SegmentRecord {
  readonly key: string
  readonly archived: boolean
  readonly state: AppliedSegmentState
}

/** What history keeps of a layer at a version. */
export interface LayerRecord extends LayerConfig {
  readonly key: string
  readonly archived: boolean
}

/** A row of history at some version: the newest state of one object. */
export interface HistoryRow {
  readonly kind: 'flag' | 'segment' | 'layer' | 'key'
  readonly objectId: string
  readonly state: Json
}
