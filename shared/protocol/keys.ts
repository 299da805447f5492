/**
 * The form of API keys: prefix, public id with its keyed check value, 30 random base62 characters, CRC-32.
 *
 *   hyd_srv_ 01jd3c5k2v8q7w4n0x6t9b1m2r 7hq2v  Zk3…(30)  1vGd2X
 *            the ULID of its owner      check  secret    CRC-32 of all before, base62, six characters
 *
 * The CRC lets a scanner reject fakes offline. The check value (HMAC, 25 bits) lets the edge refuse an invented
 * environment before any look-up. Neither proves anything: only the SHA-256 of the whole key does.
 */
import { hmacSha256 } from './hash.ts'

export type KeyClass = 'server' | 'client' | 'management'

export interface ParsedKey {
  readonly class: KeyClass
  /** The ULID of the environment (server, client) or of the key itself (management), without its prefix. */
  readonly publicId: string
  readonly check: string
}

const prefixes = { server: 'hyd_srv_', client: 'hyd_cli_', management: 'hyd_svc_' } as const satisfies Record<
  KeyClass,
  string
>
const base32 = '0123456789abcdefghjkmnpqrstvwxyz'
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const idLength = 26
const checkLength = 5
const secretLength = 30
const crcLength = 6
const form = /^hyd_(srv|cli|svc|pat)_[0-9a-hjkmnp-tv-z]{31}[0-9A-Za-z]{36}$/
const crcTable = makeCrcTable()

/**
 * Makes a new key of that class. `ownerId` is the id (`env_…`, or `key_…` for management) that the key names;
 * `checkSecret` is the secret that control and edge share. The result is shown once and never stored.
 */
export async function makeKey(keyClass: KeyClass, ownerId: string, checkSecret: string): Promise<string> {
  const publicId = ownerId.slice(ownerId.indexOf('_') + 1)
  const body =
    prefixes[keyClass] + publicId + (await checkValue(publicId, checkSecret)) + randomBase62(secretLength)
  return body + crcText(body)
}

/** Reads a key without any look-up. `null` if it is not of the form, or its CRC is wrong. */
export function parseKey(key: string): ParsedKey | null {
  if (!form.test(key)) return null
  const body = key.slice(0, -crcLength)
  if (crcText(body) !== key.slice(-crcLength)) return null
  const prefix = key.slice(0, 8)
  const publicId = key.slice(8, 8 + idLength)
  const check = key.slice(8 + idLength, 8 + idLength + checkLength)
  if (prefix === prefixes.server) return { class: 'server', publicId, check }
  if (prefix === prefixes.client) return { class: 'client', publicId, check }
  return { class: 'management', publicId, check }
}

/** The keyed check value of a public id: 25 bits of HMAC-SHA-256 in five base32 characters. */
export async function checkValue(publicId: string, checkSecret: string): Promise<string> {
  const mac = await hmacSha256(checkSecret, publicId)
  return Array.from(mac.subarray(0, checkLength), (byte) => base32.charAt(byte & 31)).join('')
}

/** Random base62 characters, about 5.95 bits each, without modulo bias. */
function randomBase62(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < 248 && text.length < length) text += base62.charAt(byte % 62)
    }
  }
  return text
}

function crcText(text: string): string {
  let rest = crc32(text)
  let out = ''
  for (let i = 0; i < crcLength; i++) {
    out = base62.charAt(rest % 62) + out
    rest = Math.floor(rest / 62)
  }
  return out
}

/** CRC-32 as in IEEE 802.3 (reflected, polynomial 0xEDB88320) of an ASCII text. */
function crc32(text: string): number {
  let crc = 0xffffffff
  for (let i = 0; i < text.length; i++) {
    crc = (crc >>> 8) ^ (crcTable[(crc ^ text.charCodeAt(i)) & 0xff] ?? 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

function makeCrcTable(): Uint32Array {
  const table = new Uint32Array(256)
  for (let n = 0; n < 256; n++) {
    let c = n
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
    table[n] = c >>> 0
  }
  return table
}
