/**
 * The bucketing function `xx32`: docs/bucketing.md describes it for other languages. It never changes, because a
 * change would move users between variants.
 */
import { bucketCount, type Json } from './model.ts'
import { xxh32 } from './xxh32.ts'

/** The 64 bits of a seed: the first and the last eight of its hex digits, as signed 32-bit integers. */
export interface Seed {
  readonly high: number
  readonly low: number
}

/** What `hashOf` gives for a value that is not there, and for one that cannot be bucketed. */
export const missingHash = -1
export const invalidHash = -2

const seedForm = /^[0-9a-f]{16}$/i

/** Reads a seed of 16 hex digits; `null` if it is something else. */
export function parseSeed(text: string): Seed | null {
  if (!seedForm.test(text)) return null
  return { high: parseInt(text.slice(0, 8), 16) | 0, low: parseInt(text.slice(8), 16) | 0 }
}

/**
 * The hash of a bucketing value, which serves every seed: unsigned 32 bits, or `missingHash` for undefined and null,
 * or `invalidHash` for booleans, lists and objects.
 */
export function hashOf(value: Json | undefined): number {
  if (typeof value === 'string') return xxh32(value)
  if (typeof value === 'number') return xxh32(String(value))
  return value === undefined || value === null ? missingHash : invalidHash
}

/** The bucket, from 0 to 99,999, of a hash under a seed. */
export function bucketOfHash(hash: number, seed: Seed): number {
  const mixed = finalize(finalize(hash ^ seed.high) + seed.low) >>> 0
  // Exact: 32 bits times a number of 17 bits, scaled by a power of two.
  return Math.floor(mixed * (bucketCount / 0x1_0000_0000))
}

/** The bucket, from 0 to 99,999, of a value under a seed of 16 hex digits; `null` if either cannot be used. */
export function bucketOf(value: Json | undefined, seed: string): number | null {
  const words = parseSeed(seed)
  const hash = hashOf(value)
  return words === null || hash < 0 ? null : bucketOfHash(hash, words)
}

/** The finalizer of MurmurHash3 (fmix32), signed. Source: github.com/aappleby/smhasher, MurmurHash3.cpp. */
function finalize(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
