/**
 * Ids: a prefix that names the kind, then a ULID in lower case (10 characters of time in ms, 16 random ones),
 * in Crockford's base32: sortable by time under any collation, safe in URLs.
 * Source of the layout: github.com/ulid/spec.
 */
export type IdPrefix = 'org' | 'prj' | 'env' | 'flg' | 'seg' | 'lyr' | 'rul' | 'key' | 'aud' | 'req'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const timeLength = 10
const randomLength = 16

/** Makes an id such as `flg_01jd3c5k2v8q7w4n0x6t9b1m2r`. `nowMs` is epoch milliseconds. */
export function makeId(prefix: IdPrefix, nowMs: number = Date.now()): string {
  const random = crypto.getRandomValues(new Uint8Array(randomLength))
  let text = `${prefix}_`
  for (let i = timeLength - 1; i >= 0; i--) text += alphabet.charAt(Math.floor(nowMs / 32 ** i) % 32)
  for (const byte of random) text += alphabet.charAt(byte & 31)
  return text
}

/** Sixteen hex digits of randomness: the seed of a flag. */
export function makeSeed(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(8)))
}

/** Bytes as lower-case hex digits. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}
