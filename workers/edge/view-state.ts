/** What one isolate holds of one environment, and what it needs of the world to keep it. */
import type { Snapshot } from '@halyard/shared/engine/snapshot.ts'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import type { Head, HeadVerifier } from '@halyard/shared/protocol/head.ts'
import type { Confirmation, HubReadApi } from '@halyard/shared/protocol/hub.ts'
import type { Version } from '@halyard/shared/protocol/version.ts'

export interface Copy {
  readonly head: Head
  readonly signedHead: string
  /** The version token of the head. */
  readonly token: string
  readonly body: string
  readonly snapshot: Snapshot
  /** Whether its flags may read facts of the request. */
  readonly readsFacts: boolean
}

export interface Access {
  readonly hash: string
  /** The newest version this record is known to belong to. */
  readonly at: Version
  /** By the SHA-256 of the whole key. */
  readonly keys: ReadonlyMap<string, AccessKey>
  readonly length: number
}

/** A check that is under way. */
export interface Flight {
  readonly landed: Promise<void>
  readonly startedAt: number
}

/** A blob that is being fetched, or could not be. */
export interface BlobFlight extends Flight {
  failedAt: number | null
}

export type BlobBytes = Uint8Array<ArrayBuffer>

export interface View {
  readonly environment: string
  copy: Copy | null
  access: Access | null
  /** When the hub last said that the copy is head, by the hub's clock; -Infinity before it did. */
  confirmedAt: number
  /** Whether the hub itself said so, and not a copy in KV. */
  isConfirmed: boolean
  /** How the hub answered last time; `absent`: nothing was ever published. */
  hub: 'answered' | 'absent' | 'failed'
  /** When it last answered, by our clock. */
  answeredAt: number
  /** What was offered and not taken. */
  refusedCount: number
  usedAt: number
  flight: Flight | null
  /** The starts of the last few checks, oldest first. */
  checkStarts: readonly number[]
  kvReadAt: number
  /** By hash, those that the copy names. */
  readonly blobs: Map<string, BlobBytes>
  readonly blobFlights: Map<string, BlobFlight>
}

/** A view that holds a copy, which newer ones replace and nothing takes away. */
export type HeldView = View & { copy: Copy }

export type KvValue = Confirmation & { readonly content: string }

/** What a view needs of the world. `sleep` and `now` are in milliseconds. */
export interface ViewPorts {
  readonly readHub: HubReadApi['read']
  readonly readKv: (kind: 'snapshot' | 'access', environment: string) => Promise<KvValue | null>
  readonly readHubBlob: HubReadApi['blob']
  readonly readKvBlob: HubReadApi['blob']
  readonly verify: HeadVerifier
  /** SHA-256, hex. */
  readonly hash: (content: string | BlobBytes) => Promise<string>
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** Keeps work alive behind the answer. */
  readonly defer: (work: Promise<void>) => void
  /** Hears of what was refused, and why. */
  readonly report: (environment: string, what: string) => void
}

export function makeView(environment: string, now: number): View {
  return {
    environment,
    copy: null,
    access: null,
    confirmedAt: -Infinity,
    isConfirmed: false,
    hub: 'failed',
    answeredAt: -Infinity,
    refusedCount: 0,
    usedAt: now,
    flight: null,
    checkStarts: [],
    kvReadAt: -Infinity,
    blobs: new Map(),
    blobFlights: new Map(),
  }
}

export function holdsCopy(view: View): view is HeldView {
  return view.copy !== null
}
