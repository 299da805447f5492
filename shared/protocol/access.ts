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

/** At most this many UTF-16 units in the text of an access record. */
export const accessLengthMax = 1024 * 1024

/** Reads the text of an access record; `null` if it is not one. */
export function parseAccess(text: string): AccessRecord | null {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : null
  } catch {
    return null // not JSON: the caller keeps the record it has
  }
}

function isRecord(value: unknown): value is AccessRecord {
  const { environment, keys } = fieldsOf(value)
  return typeof environment === 'string' && Array.isArray(keys) && keys.every(isKey)
}

function isKey(value: unknown): value is AccessKey {
  const { id, hash, class: keyClass, origins, expiresAt } = fieldsOf(value)
  return (
    typeof id === 'string' &&
    typeof hash === 'string' &&
    (keyClass === 'server' || keyClass === 'client') &&
    (origins === undefined ||
      (Array.isArray(origins) && origins.every((origin) => typeof origin === 'string'))) &&
    (expiresAt === undefined || typeof expiresAt === 'number')
  )
}

function fieldsOf(value: unknown): Partial<Record<'environment' | 'keys' | keyof AccessKey, unknown>> {
  return typeof value === 'object' && value !== null ? value : {}
}
