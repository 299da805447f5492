import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import xxhash from 'xxhash-wasm'
import vectors from '../../docs/bucketing-vectors.json' with { type: 'json' }
import { bucketOf, hashOf, parseSeed } from './bucketing.ts'

const { h32 } = await xxhash()
const anySeed = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => bits.toString(16).padStart(16, '0'))

/** The definition in whole numbers of any size, with the hash of another implementation. */
function bucketByDefinition(text: string, seed: string): number {
  const mask = 0xffffffffn
  const finalize = (value: bigint) => {
    const first = ((value ^ (value >> 16n)) * 0x85ebca6bn) & mask
    const second = ((first ^ (first >> 13n)) * 0xc2b2ae35n) & mask
    return second ^ (second >> 16n)
  }
  const bits = BigInt(`0x${seed}`)
  const once = finalize(BigInt(h32(text, 0)) ^ (bits >> 32n))
  return Number((finalize((once + (bits & mask)) & mask) * 100_000n) >> 32n)
}

test('a bucket is what the definition says', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), anySeed, (text, seed) => {
      expect(bucketOf(text, seed)).toBe(bucketByDefinition(text, seed))
    }),
    { numRuns: 3_000 },
  )
})

test.each([
  ['user-1', 31_750],
  ['', 97_254],
  ['jürgen', 76_469],
  ['日本語', 77_431],
  ['🦊', 35_396],
  [42, 28_580],
  [0.1, 88_874],
])('the bucket of %j never changes', (value, bucket) => {
  expect(bucketOf(value, '0123456789abcdef')).toBe(bucket)
  expect(bucketByDefinition(String(value), '0123456789abcdef')).toBe(bucket)
})

test('the published vectors are what the definition says', () => {
  expect(vectors).toHaveLength(200)
  for (const { value, seed, hash, bucket } of vectors) {
    expect(h32(String(value), 0), JSON.stringify(value)).toBe(hash)
    expect(bucketByDefinition(String(value), seed), JSON.stringify(value)).toBe(bucket)
    expect(hashOf(value), JSON.stringify(value)).toBe(hash)
    expect(bucketOf(value, seed), JSON.stringify(value)).toBe(bucket)
  }
})

test('a number is bucketed as its text, minus zero as zero', () => {
  expect(bucketOf(42, '0123456789abcdef')).toBe(bucketOf('42', '0123456789abcdef'))
  expect(bucketOf(1e21, '0123456789abcdef')).toBe(bucketOf('1e+21', '0123456789abcdef'))
  expect(bucketOf(-0, '0123456789abcdef')).toBe(bucketOf('0', '0123456789abcdef'))
})

test.each([[undefined], [null], [true], [['x']], [{ x: 'x' }]])('%j has no bucket', (value) => {
  expect(bucketOf(value, '0123456789abcdef')).toBeNull()
})

test.each(['', '0123', '0123456789abcdef0', '0123456789abcdeg', ' 123456789abcdef', '0123456789abcdef\n'])(
  '%j is no seed',
  (seed) => {
    expect(parseSeed(seed)).toBeNull()
  },
)
