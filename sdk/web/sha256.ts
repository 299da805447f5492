/** SHA-256 (FIPS 180-4) at once: that of the platform answers later, and only on secure origins. */

const primes = findPrimes()
/** The first 32 bits behind the point of the square roots of the first 8 primes, and of the cube roots of 64. */
const start = primes.slice(0, 8).map((prime) => firstBits(Math.sqrt(prime)))
const rounds = primes.map((prime) => firstBits(Math.cbrt(prime)))

/** The hash of a text's UTF-8 bytes, in 64 hexadecimal digits. */
export function sha256(text: string): string {
  const bytes = new TextEncoder().encode(text)
  // A one bit, zeros, and the length in bits: whole blocks of 16 words.
  const words = Array.from({ length: ((bytes.length + 72) >> 6) << 4 }, () => 0)
  for (const [at, byte] of [...bytes, 0x80].entries())
    words[at >> 2] = (words[at >> 2] ?? 0) | (byte << (24 - 8 * (at % 4)))
  words[words.length - 1] = bytes.length * 8
  let state = start
  for (let at = 0; at < words.length; at += 16) state = compress(state, words.slice(at, at + 16))
  return state.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

type Four = [number, number, number, number]
type Eight = [...Four, ...Four]
type Sixteen = [...Eight, ...Eight]

/** `words` of a block are 16, and grow to as many as there are rounds. */
function compress(state: readonly number[], words: number[]): number[] {
  let run = [...state] as Eight // as many as the primes it was made from
  rounds.forEach((round, i) => {
    if (i > 15) words.push(expand(words.slice(-16) as Sixteen)) // there are so many then
    const [a, b, c, d, e, f, g, h] = run
    const next = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + round + (words[i] ?? 0)
    const other = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
    run = [(next + other) | 0, a, b, c, (d + next) | 0, e, f, g]
  })
  return run.map((word, i) => (word + (state[i] ?? 0)) | 0)
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
  return ((root % 1) * 2 ** 32) | 0
}
