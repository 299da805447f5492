/** SHA-256 (FIPS 180-4) at once: that of the platform answers later, and only on secure origins. */

const primes = findPrimes()
/** The first 32 bits behind the point of the square roots of the first 8 primes, and of the cube roots of 64. */
const start = Int32Array.from(primes.slice(0, 8), (prime) => firstBits(Math.sqrt(prime)))
const rounds = Int32Array.from(primes, (prime) => firstBits(Math.cbrt(prime)))

/** The hash of a text's UTF-8 bytes, in 64 hexadecimal digits. */
export function sha256(text: string): string {
  const bytes = new TextEncoder().encode(text)
  // A one bit, zeros, and the length in bits: whole blocks of 64 bytes.
  const blocks = new DataView(new ArrayBuffer(((bytes.length + 72) >> 6) << 6))
  bytes.forEach((byte, at) => blocks.setUint8(at, byte))
  blocks.setUint8(bytes.length, 0x80)
  blocks.setUint32(blocks.byteLength - 4, bytes.length * 8)
  let state = start
  for (let at = 0; at < blocks.byteLength; at += 64) state = compress(state, blocks, at)
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

type Four = [number, number, number, number]
type Eight = [...Four, ...Four]
type Sixteen = [...Eight, ...Eight]

function compress(state: Int32Array<ArrayBuffer>, blocks: DataView, at: number): Int32Array<ArrayBuffer> {
  const words: number[] = []
  let run = [...state] as Eight // as many as the primes it was made from
  rounds.forEach((round, i) => {
    const word = i < 16 ? blocks.getInt32(at + i * 4) : expand(words.slice(-16) as Sixteen) // there are so many then
    words.push(word)
    const [a, b, c, d, e, f, g, h] = run
    const next = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + round + word
    const other = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
    run = [(next + other) | 0, a, b, c, (d + next) | 0, e, f, g]
  })
  return Int32Array.from(run, (word, i) => word + (state[i] ?? 0))
}

function expand([w16, w15, , , , , , , , w7, , , , , w2]: Sixteen): number {
  const low = turn(w15, 7) ^ turn(w15, 18) ^ (w15 >>> 3)
  const high = turn(w2, 17) ^ turn(w2, 19) ^ (w2 >>> 10)
  return (w16 + low + w7 + high) | 0
}

function turn(word: number, bits: number): number {
  return (word >>> bits) | (word << -bits)
}

function findPrimes(): readonly number[] {
  const found: number[] = []
  for (let n = 2; found.length < 64; n++) if (found.every((prime) => n % prime)) found.push(n)
  return found
}

function firstBits(root: number): number {
  return (root % 1) * 2 ** 32
}
