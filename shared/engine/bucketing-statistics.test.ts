import { expect, test } from 'vitest'
import { bucketOfHash, hashOf, parseSeed, type Seed } from './bucketing.ts'

/** The 99.9th percentiles of chi-square with 99 and with 81 degrees of freedom. */
const uniformMax = 148.2
const independentMax = 126.1
const phiMax = 0.004
const count = 1_000_000

const sequential = Uint32Array.from({ length: count }, (_, i) => hashOf(`user-${i + 1}`))
const uuids = Uint32Array.from({ length: count }, (_, i) => hashOf(uuidOf(i)))
const seeds = Array.from({ length: 24 }, (_, i) => seedOf((BigInt(i) * 0x9e3779b97f4a7c15n) % 2n ** 64n))
/** The first, and 64 that differ from it in one bit each. */
const nearSeeds = [0n, ...Array.from({ length: 64 }, (_, bit) => 1n << BigInt(bit))].map((bits) =>
  seedOf(0x0123456789abcdefn ^ bits),
)

test.each([
  ['sequential ids', sequential, seeds],
  ['UUIDs', uuids, seeds],
  ['sequential ids, seeds one bit apart', sequential, nearSeeds.filter((_, i) => i % 3 === 0)],
])('buckets are uniform: %s', (_, hashes, seeds) => {
  const rejected = seeds.filter((seed) => chiSquareOfBuckets(hashes, seed) > uniformMax)
  // By chance one in a thousand is.
  expect(rejected.length).toBeLessThanOrEqual(1)
})

test.each([
  ['sequential ids', sequential],
  ['UUIDs', uuids],
])('a fifth by one flag and a fifth by another are independent: %s', (_, hashes) => {
  const shares = seeds.slice(0, 12).map((seed) => takeFifth(hashes, seed))
  expect(Math.max(...pairs(shares).map(([a, b]) => Math.abs(phi(a, b))))).toBeLessThan(phiMax)
})

test.each([
  ['sequential ids', sequential],
  ['UUIDs', uuids],
])(
  'a fifth by one flag and a fifth by another whose seed differs in one bit are independent: %s',
  (_, hashes) => {
    const [first = new Uint8Array(), ...others] = nearSeeds.map((seed) => takeFifth(hashes, seed))
    expect(Math.max(...others.map((other) => Math.abs(phi(first, other))))).toBeLessThan(phiMax)
  },
)

test.each([
  ['sequential ids', sequential],
  ['UUIDs', uuids],
])('tenths by two flags are independent: %s', (_, hashes) => {
  const tenths = seeds
    .slice(0, 8)
    .map((seed) => hashes.map((hash) => Math.floor(bucketOfHash(hash, seed) / 10_000)))
  const rejected = pairs(tenths).filter(([a, b]) => chiSquareOfTable(a, b) > independentMax)
  expect(rejected.length).toBeLessThanOrEqual(1)
})

function seedOf(bits: bigint): Seed {
  return parseSeed(bits.toString(16).padStart(16, '0')) ?? { high: 0, low: 0 }
}

/** A UUID of version 4 from a Weyl sequence through a mixer. */
function uuidOf(i: number): string {
  const digits = [1, 2, 3, 4].map((part) => {
    const start = Math.imul(4 * i + part, 0x9e3779b1)
    const mixed = Math.imul(start ^ (start >>> 15), 0x2c1b3c6d)
    return ((mixed ^ (mixed >>> 13)) >>> 0).toString(16).padStart(8, '0')
  })
  const [a = '', b = '', c = '', d = ''] = digits
  return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-a${c.slice(1, 4)}-${c.slice(4)}${d}`
}

function chiSquareOfBuckets(hashes: Uint32Array, seed: Seed): number {
  const cells = new Uint32Array(100)
  for (let i = 0; i < hashes.length; i++)
    countIn(cells, Math.floor(bucketOfHash(hashes[i] ?? 0, seed) / 1_000))
  const expected = hashes.length / cells.length
  return cells.reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0)
}

/** Against what the sums of rows and columns let expect. */
function chiSquareOfTable(a: Uint32Array, b: Uint32Array): number {
  const cells = new Uint32Array(100)
  for (let i = 0; i < a.length; i++) countIn(cells, (a[i] ?? 0) * 10 + (b[i] ?? 0))
  const ten = Array.from({ length: 10 }, (_, i) => i)
  const rows = ten.map((row) => ten.reduce((sum, column) => sum + (cells[row * 10 + column] ?? 0), 0))
  const columns = ten.map((column) => ten.reduce((sum, row) => sum + (cells[row * 10 + column] ?? 0), 0))
  return cells.reduce((sum, seen, i) => {
    const expected = ((rows[Math.floor(i / 10)] ?? 0) * (columns[i % 10] ?? 0)) / a.length
    return sum + (seen - expected) ** 2 / expected
  }, 0)
}

function countIn(cells: Uint32Array, cell: number): void {
  cells[cell] = (cells[cell] ?? 0) + 1
}

function takeFifth(hashes: Uint32Array, seed: Seed): Uint8Array {
  const taken = new Uint8Array(hashes.length)
  for (let i = 0; i < hashes.length; i++) taken[i] = bucketOfHash(hashes[i] ?? 0, seed) < 20_000 ? 1 : 0
  return taken
}

/** The correlation of two yes-or-no answers. */
function phi(a: Uint8Array, b: Uint8Array): number {
  let inA = 0
  let inB = 0
  let both = 0
  for (let i = 0; i < a.length; i++) {
    const inOne = a[i] ?? 0
    const inOther = b[i] ?? 0
    inA += inOne
    inB += inOther
    both += inOne & inOther
  }
  const outA = a.length - inA
  const outB = b.length - inB
  return (both * a.length - inA * inB) / Math.sqrt(inA * inB * outA * outB)
}

function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((a, i) => items.slice(i + 1).map((b): [T, T] => [a, b]))
}
