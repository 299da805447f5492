import type { KeyClass } from './keys.ts'

/** One live key in an access record. */
export interface AccessKey {
  readonly id: string
  /** SHA-256 of the whole key, hex. */
  readonly hash: string
  readonly class: Exclude<KeyClass, 'management'>
  /** For class client: the only origins that may use it, if any are listed. */
  readonly origins?: readonly string[]
  /** Epoch milliseconds. */
  readonly expiresAt?: number
}

/**
 * Who may read an environment. Travels to hub and edge only, never to an SDK. On a wire it is the JSON text whose
 * SHA-256 the head names (`accessHash`), keys sorted by id.
 */
export interface AccessRecord {
  readonly environment: string
  readonly keys: readonly AccessKey[]
}
