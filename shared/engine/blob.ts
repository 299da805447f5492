/**
 * The members of a large segment as one blob: a sorted list of 64-bit fingerprints. Its bytes are n high words, then n
 * low words, each an unsigned 32-bit integer, little-endian; fingerprints rise by high word, then by low word, and
 * none is there twice. Length: 8 n bytes. The views below take the machine's own order of bytes: that of every machine
 * on which V8 runs Workers, Node or Chromium today is little-endian.
 */
import { xxh32 } from './xxh32.ts'

/** The two words of an id's fingerprint, unsigned. */
export interface Fingerprint {
  /** XXH32 with seed 0 of the UTF-8 of the well-formed id, which bucketing has computed already. */
  readonly high: number
  /** XXH32 with seed 0x9E3779B9. */
  readonly low: number
}

export interface Blob {
  readonly highs: Uint32Array
  readonly lows: Uint32Array
  readonly count: number
}

const lowSeed = 0x9e3779b9
const bytesEach = 8
const wordBytes = 4
const wordRange = 0x1_0000_0000

export function fingerprintOf(id: string): Fingerprint {
  return { high: xxh32(id), low: xxh32(id, lowSeed) }
}

/**
 * Makes a blob of the first `count` fingerprints, in any order and with repetitions: `highs[i]` and `lows[i]` are one.
 */
export function sealBlob(highs: Uint32Array, lows: Uint32Array, count: number): Uint8Array<ArrayBuffer> {
  const pairs = sortedPairs(highs, lows, count)
  const distinct = dropRepeated(pairs, count)
  const words = new Uint32Array(distinct * 2)
  for (let i = 0; i < distinct; i++) {
    words[i] = pairs[2 * i + 1] ?? 0
    words[distinct + i] = pairs[2 * i] ?? 0
  }
  return new Uint8Array(words.buffer)
}

/**
 * Reads a blob in place: a copy is made only of bytes that do not begin at a multiple of four. `null` if the length
 * is none that a blob has. The order is not checked: whoever has the hash checks that instead.
 */
export function openBlob(bytes: Uint8Array): Blob | null {
  if (bytes.length % bytesEach !== 0) return null
  const { buffer, byteOffset } = bytes.byteOffset % wordBytes === 0 ? bytes : bytes.slice()
  const count = bytes.length / bytesEach
  return {
    highs: new Uint32Array(buffer, byteOffset, count),
    lows: new Uint32Array(buffer, byteOffset + count * wordBytes, count),
    count,
  }
}

/** Whether the blob holds an id, whose high word the caller has already. Allocates nothing. */
export function blobHolds(blob: Blob, id: string, high: number): boolean {
  const at = lowerBound(blob, high)
  // The second hash is paid for by one id in thousands of those that do not belong.
  return (
    blob.highs[at] === high && at < blob.count && indexIn(blob, at, { high, low: xxh32(id, lowSeed) }) >= 0
  )
}

/** The blob with some ids added and others removed; an id that is in both lists is there afterwards. */
export function amendBlob(
  blob: Blob,
  added: readonly string[],
  removed: readonly string[],
): Uint8Array<ArrayBuffer> {
  const gone = new Set(
    removed.map((id) => {
      const fingerprint = fingerprintOf(id)
      return indexIn(blob, lowerBound(blob, fingerprint.high), fingerprint)
    }),
  )
  const highs = new Uint32Array(blob.count + added.length)
  const lows = new Uint32Array(highs.length)
  let count = 0
  for (let i = 0; i < blob.count; i++) {
    if (gone.has(i)) continue
    highs[count] = blob.highs[i] ?? 0
    lows[count++] = blob.lows[i] ?? 0
  }
  for (const id of added) {
    const { high, low } = fingerprintOf(id)
    highs[count] = high
    lows[count++] = low
  }
  return sealBlob(highs, lows, count)
}

/** Low and high word in turn, as 64-bit integers lie in memory, so that the machine's own sort does the work. */
function sortedPairs(highs: Uint32Array, lows: Uint32Array, count: number): Uint32Array {
  const pairs = new Uint32Array(count * 2)
  for (let i = 0; i < count; i++) {
    pairs[2 * i] = lows[i] ?? 0
    pairs[2 * i + 1] = highs[i] ?? 0
  }
  new BigUint64Array(pairs.buffer).sort()
  return pairs
}

/** Moves the distinct pairs to the front; how many there are. */
function dropRepeated(pairs: Uint32Array, count: number): number {
  let distinct = 0
  for (let i = 0; i < count; i++) {
    const low = pairs[2 * i] ?? 0
    const high = pairs[2 * i + 1] ?? 0
    if (distinct > 0 && pairs[2 * distinct - 2] === low && pairs[2 * distinct - 1] === high) continue
    pairs[2 * distinct] = low
    pairs[2 * distinct + 1] = high
    distinct++
  }
  return distinct
}

/**
 * The first index whose high word is not below `high`. Hashes are spread evenly, so that it lies within a few square
 * roots of the count of where it should; where it does not, the search is over all.
 */
function lowerBound({ highs, count }: Blob, high: number): number {
  const guess = Math.floor((high / wordRange) * count)
  const band = 2 * Math.ceil(Math.sqrt(count))
  let from = guess - band
  let to = guess + band
  if (from < 0 || (highs[from] ?? 0) >= high) from = 0
  if (to >= count || (highs[to] ?? 0) < high) to = count
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((highs[middle] ?? 0) < high) from = middle + 1
    else to = middle
  }
  return from
}

/** Where the fingerprint is, at or after the first index with its high word; -1 if it is not. */
function indexIn({ highs, lows }: Blob, first: number, { high, low }: Fingerprint): number {
  for (let i = first; highs[i] === high; i++) if (lows[i] === low) return i
  return -1
}
