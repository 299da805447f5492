/**
 * XXH32 of a string's UTF-8 bytes, synchronous and without a buffer.
 * Source of the algorithm: github.com/Cyan4973/xxHash, doc/xxhash_spec.md.
 */
const prime1 = 0x9e3779b1
const prime2 = 0x85ebca77
const prime3 = 0xc2b2ae3d
const prime4 = 0x27d4eb2f
const prime5 = 0x165667b1

/** No hash: the text holds a character that is no byte. */
const notBytes = -1

/** XXH32 with that seed, as an unsigned 32-bit integer. Lone surrogates count as U+FFFD. */
export function xxh32(text: string, seed = 0): number {
  // ASCII is its own UTF-8: the usual key is hashed in place, in one pass, and leaves no garbage.
  const hash = hashBytes(text, seed, 0x7f)
  return hash === notBytes ? hashBytes(utf8(text), seed, 0xff) : hash
}

/** The UTF-8 bytes of the well-formed text, one character a byte. */
function utf8(text: string): string {
  let bytes = ''
  for (const character of text.toWellFormed()) bytes += encode(character.codePointAt(0) ?? 0)
  return bytes
}

function encode(point: number): string {
  const last = 0x80 | (point & 63)
  if (point < 0x80) return String.fromCharCode(point)
  if (point < 0x800) return String.fromCharCode(0xc0 | (point >> 6), last)
  const third = 0x80 | ((point >> 6) & 63)
  if (point < 0x10000) return String.fromCharCode(0xe0 | (point >> 12), third, last)
  return String.fromCharCode(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), third, last)
}

/** Takes each character as a byte; `notBytes` if one is above `byteMax`, which is one less than a power of two. */
function hashBytes(bytes: string, seed: number, byteMax: number): number {
  const length = bytes.length
  const striped = length & ~15
  let seen = 0
  let lane1 = (seed + prime1 + prime2) | 0
  let lane2 = (seed + prime2) | 0
  let lane3 = seed | 0
  let lane4 = (seed - prime1) | 0
  let i = 0
  for (; i < striped; i += 4) {
    const first = bytes.charCodeAt(i)
    const second = bytes.charCodeAt(i + 1)
    const third = bytes.charCodeAt(i + 2)
    const fourth = bytes.charCodeAt(i + 3)
    seen |= first | second | third | fourth
    // The lanes take turns: after each four words they are back in their places.
    const turned = round(lane1, first | (second << 8) | (third << 16) | (fourth << 24))
    lane1 = lane2
    lane2 = lane3
    lane3 = lane4
    lane4 = turned
  }
  let hash = ((striped === 0 ? seed + prime5 : mergeLanes(lane1, lane2, lane3, lane4)) + length) | 0
  for (; i + 4 <= length; i += 4) {
    const first = bytes.charCodeAt(i)
    const second = bytes.charCodeAt(i + 1)
    const third = bytes.charCodeAt(i + 2)
    const fourth = bytes.charCodeAt(i + 3)
    seen |= first | second | third | fourth
    const word = first | (second << 8) | (third << 16) | (fourth << 24)
    hash = Math.imul(rotate((hash + Math.imul(word, prime3)) | 0, 17), prime4)
  }
  for (; i < length; i++) {
    const byte = bytes.charCodeAt(i)
    seen |= byte
    hash = Math.imul(rotate((hash + Math.imul(byte, prime5)) | 0, 11), prime1)
  }
  return seen > byteMax ? notBytes : avalanche(hash)
}

function mergeLanes(lane1: number, lane2: number, lane3: number, lane4: number): number {
  return (rotate(lane1, 1) + rotate(lane2, 7) + rotate(lane3, 12) + rotate(lane4, 18)) | 0
}

function avalanche(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 15), prime2)
  mixed = Math.imul(mixed ^ (mixed >>> 13), prime3)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

function round(lane: number, word: number): number {
  return Math.imul(rotate((lane + Math.imul(word, prime2)) | 0, 13), prime1)
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
