/** What one isolate holds of one environment, and what it needs of the world to keep it. */
import type { Snapshot } from '@halyard/shared/engine/snapshot.ts'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import type { Delta } from '@halyard/shared/protocol/delta.ts'
import type { Head, HeadVerifier } from '@halyard/shared/protocol/head.ts'
import type { HubReadApi } from '@halyard/shared/protocol/hub.ts'
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

/** A version that the view has held or passed, and what led to it from the one before; null: the same body, or unknown. */
export interface Step {
  readonly at: Version
  readonly snapshotHash: string
  readonly delta: Delta | null
  /** An estimate of the memory it takes. */
  readonly bytes: number
}

/** Work that is under way. */
export interface Flight {
  readonly landed: Promise<void>
  readonly startedAt: number
}

/** A check that is under way, and how recent a word of the hub it takes; Infinity: a fresh one is enough. */
export interface Check extends Flight {
  readonly withinMs: number
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
  /** When it last answered, us or an isolate that shared its word, by our clock. */
  answeredAt: number
  /** When it was last asked in vain, by our clock. */
  failedAt: number
  /** From 0 to 1: how long the next question is left to the isolate whose word was the last; 0 for that one. */
  patience: number
  /** How many checks of late brought nothing new, as it was at `missesAt`. */
  misses: number
  missesAt: number
  /** The `confirmedAt` of the last word that we had from it ourselves. */
  ownWordAt: number
  /** What was offered and not taken. */
  refusedCount: number
  usedAt: number
  flight: Check | null
  /** The starts of the last few checks, oldest first. */
  checkStarts: readonly number[]
  kvReadAt: number
  /** When the location's cache last failed. */
  cacheFailedAt: number
  /** The way to the copy held, oldest first, as far as it is known and kept. */
  steps: readonly Step[]
  /** When a reader last asked for what has changed since its version. */
  sinceAskedAt: number
  /** By hash, those that the copy names. */
  readonly blobs: Map<string, BlobBytes>
  readonly blobFlights: Map<string, BlobFlight>
}

/** A view that holds a copy, which newer ones replace and nothing takes away. */
export type HeldView = View & { copy: Copy }

/** What the isolates of one location share, by name. Nothing in it is trusted, and all of it may vanish. */
export interface LocationCache {
  /** Null: it is not there. */
  readonly read: (name: string) => Promise<BlobBytes | null>
  readonly write: (name: string, content: string | BlobBytes, maxAgeSec: number) => Promise<void>
}

/** What a view needs of the world. `sleep` and `now` are in milliseconds; nobody waits for a sleep that was called off. */
export interface ViewPorts {
  readonly readHub: HubReadApi['read']
  /** The text of a value, see `formatKvValue`; null: it is not there. */
  readonly readKv: (kind: 'snapshot' | 'access', environment: string) => Promise<string | null>
  readonly readHubBlob: HubReadApi['blob']
  readonly readKvBlob: HubReadApi['blob']
  readonly cache: LocationCache
  readonly verify: HeadVerifier
  /** SHA-256, hex. */
  readonly hash: (content: string | BlobBytes) => Promise<string>
  readonly now: () => number
  /** From 0 up to 1. */
  readonly random: () => number
  readonly sleep: (ms: number, calledOff?: AbortSignal) => Promise<void>
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
    failedAt: -Infinity,
    patience: 0,
    misses: 0,
    missesAt: 0,
    ownWordAt: -Infinity,
    refusedCount: 0,
    usedAt: now,
    flight: null,
    checkStarts: [],
    kvReadAt: -Infinity,
    cacheFailedAt: -Infinity,
    steps: [],
    sinceAskedAt: -Infinity,
    blobs: new Map(),
    blobFlights: new Map(),
  }
}

export function holdsCopy(view: View): view is HeldView {
  return view.copy !== null
}
