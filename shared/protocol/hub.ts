/**
 * What crosses between Workers and the hub. A deploy of one may be minutes older than that of the other: what is added
 * is optional, and is given only to who says that it takes it.
 */
import type { Delta } from './delta.ts'

/** A compiled version of an environment, as control hands it to the hub. */
export interface Publication {
  readonly signedHead: string
  /** The snapshot: lines of `kind TAB key TAB JSON`, sorted by code unit. */
  readonly body: string
  /** The JSON text of an `AccessRecord`. */
  readonly access: string
}

export type PublishAnswer =
  /** It is head now, or was already. */
  | { readonly outcome: 'applied' | 'unchanged'; readonly signedHead: string }
  /** `behind`: an older version than the hub's head. `conflict`: the same version with another content. */
  | { readonly outcome: 'refused'; readonly reason: 'behind' | 'conflict'; readonly signedHead: string }
  | {
      readonly outcome: 'refused'
      readonly reason: 'bad_signature' | 'bad_content'
      readonly signedHead: null
    }
  /** Blobs that the snapshot names and the hub lacks: store them, then publish again. Nothing was changed. */
  | { readonly outcome: 'missing_blobs'; readonly hashes: readonly string[] }

/** The hub's word that this was head at `confirmedAt` (epoch milliseconds, the hub's clock). */
export interface Confirmation {
  readonly signedHead: string
  readonly confirmedAt: number
}

/** What a reader holds already, by hash: the hub leaves out what has not changed. */
export interface Held {
  readonly snapshotHash?: string
  readonly accessHash?: string
  /** It can go on from its snapshot by deltas, which may then come in the place of the body. */
  readonly takesDeltas?: boolean
}

export interface ReadAnswer extends Confirmation {
  readonly body?: string
  /** In order, from the snapshot that the reader holds to the head's: never beside `body`. */
  readonly deltas?: readonly Delta[]
  readonly access?: string
}

/** That a relay held a version: its region and number, and when it said so (epoch milliseconds, the hub's clock). */
export interface Receipt {
  readonly relay: string
  readonly ackedAt: number
}

/** The hub's entrypoint for control. */
export interface HubPublishApi {
  publish(environment: string, publication: Publication): Promise<PublishAnswer>
  /** The signed head the hub holds, or null. */
  head(environment: string): Promise<string | null>
  /** Keeps a blob for a publication that will name it; `refused`: the bytes are no blob, or not those of the hash. */
  storeBlob(environment: string, hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<'stored' | 'refused'>
  /** Which relays confirmed that version (a token); null if it is not among the last few dozen. */
  receipts(environment: string, version: string): Promise<readonly Receipt[] | null>
}

/** Where relays may stand: the location hints of Durable Objects. */
export const regions = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const
export type Region = (typeof regions)[number]

/** What the edge, which has authorised it, says of a stream, in the query of the upgrade. */
export interface StreamRequest {
  readonly environment: string
  readonly class: 'server' | 'client'
  /** The key's id, never the key. */
  readonly key: string
  readonly region: Region
  /** The version that the reader holds, as a token. */
  readonly since?: string
}

/**
 * The hub's entrypoint for the edge. `null`: nothing was ever published for that id. Its `fetch` opens a stream: a
 * WebSocket upgrade of `https://hub/stream` with a `StreamRequest` as query. Answers: 101; 401, the hub itself says that the key may not listen;
 * 404, nothing was ever published; 503 with an integer `Retry-After`, too much at once.
 */
export interface HubReadApi {
  confirm(environment: string): Promise<Confirmation | null>
  read(environment: string, held: Held): Promise<ReadAnswer | null>
  /**
   * The bytes of a blob that the head names, or named within the last hour, or null. Their SHA-256 is the hash: the
   * reader checks it.
   */
  blob(environment: string, hash: string): Promise<Uint8Array<ArrayBuffer> | null>
}

/**
 * Names of the KV values of an environment: each holds its own signed head, since keys replicate independently. A blob
 * is the value as it is: its hash says all.
 */
export const kvNames = {
  snapshot: (environment: string) => `snapshot:${environment}`,
  access: (environment: string) => `access:${environment}`,
  blob: (environment: string, hash: string) => `blob:${environment}:${hash}`,
}

/** A KV value: the confirmation as JSON on the first line, then the body or the access record. */
export function formatKvValue(confirmation: Confirmation, content: string): string {
  return `${JSON.stringify(confirmation)}\n${content}`
}

/** Splits a KV value; `null` if it is not of that form. What it claims is to be verified by its reader. */
export function parseKvValue(value: string): (Confirmation & { readonly content: string }) | null {
  const end = value.indexOf('\n')
  if (end < 0) return null
  try {
    const { signedHead, confirmedAt } = JSON.parse(value.slice(0, end)) as Partial<Confirmation> // checked below
    if (typeof signedHead !== 'string' || typeof confirmedAt !== 'number') return null
    return { signedHead, confirmedAt, content: value.slice(end + 1) }
  } catch {
    return null // not our value: the reader goes on to its next source
  }
}
