import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import xxhash from 'xxhash-wasm'
import { amendBlob, blobHolds, fingerprintOf, openBlob, sealBlob, type Blob } from './blob.ts'

const { h32 } = await xxhash()
const anyId = fc.oneof(
  fc.integer({ min: 0, max: 60 }).map(String),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', 'Zoë', '日本', '🦊', 'a\ud800', '__proto__'),
)
const anyIds = fc.array(anyId, { maxLength: 80 })
/** Words that collide: a high word shared by several fingerprints, and both ends of the range. */
const anyWord = fc.oneof(
  fc.constantFrom(0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff }),
)

test('a fingerprint is XXH32 of the well-formed id with seeds 0 and 0x9E3779B9', () => {
  fc.assert(
    fc.property(anyId, (id) => {
      const wellFormed = id.toWellFormed()
      expect(fingerprintOf(id)).toEqual({ high: h32(wellFormed, 0), low: h32(wellFormed, 0x9e3779b9) })
    }),
  )
})

test('the bytes are the high words and then the low words, little-endian, sorted and each once', () => {
  const highs = Uint32Array.of(0x80000001, 2, 2, 0x80000001, 2)
  const lows = Uint32Array.of(5, 0xfffffffe, 7, 5, 7)
  expect(words(sealBlob(highs, lows, 5))).toEqual([2, 2, 0x80000001, 7, 0xfffffffe, 5])
})

test('what lies beyond the count is not sealed', () => {
  expect(words(sealBlob(Uint32Array.of(3, 1), Uint32Array.of(4, 2), 1))).toEqual([3, 4])
  expect(sealBlob(new Uint32Array(4), new Uint32Array(4), 0)).toHaveLength(0)
})

test('a sealed blob is the same for any order and repetition of the same fingerprints', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyWord, anyWord), { maxLength: 50 }), (pairs) => {
      const distinct = [...new Map(pairs.map((pair) => [pair.join(), pair])).values()]
      const sorted = distinct.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])
      const expected = [...sorted.map(([high]) => high), ...sorted.map(([, low]) => low)]
      expect(words(seal(pairs))).toEqual(expected)
      expect(words(seal([...pairs, ...pairs].toReversed()))).toEqual(expected)
    }),
  )
})

test('a blob holds the ids it was made of, and no other', () => {
  fc.assert(
    fc.property(anyIds, anyIds, (members, others) => {
      const blob = blobOf(members)
      expect(blob.count).toBe(new Set(members.map((id) => id.toWellFormed())).size)
      const set = new Set(members.map((id) => id.toWellFormed()))
      for (const id of [...members, ...others]) expect(holds(blob, id)).toBe(set.has(id.toWellFormed()))
    }),
  )
})

test('ids are found wherever the hashes lie, even if all crowd at one end', () => {
  for (const end of [0, 0xffff0000]) {
    const ids = ['first', 'second', 'third']
    const crowd = Array.from({ length: 5_000 }, (_, i) => [end + i, i] as const)
    const blob = open(seal([...crowd, ...ids.map(pairOf)]))
    expect(ids.map((id) => holds(blob, id))).toEqual([true, true, true])
    expect(holds(blob, 'fourth')).toBe(false)
  }
})

test('ids with the same high word are told apart by the low word', () => {
  const { high, low } = fingerprintOf('user-1')
  const near = [-2, -1, 1, 2].map((step) => [high, (low + step) >>> 0] as const)
  expect(holds(open(seal(near)), 'user-1')).toBe(false)
  expect(holds(open(seal([...near, [high, low]])), 'user-1')).toBe(true)
})

test('an opened blob shows its words and nothing beyond them', () => {
  const blob = open(
    seal([
      [2, 9],
      [1, 8],
    ]),
  )
  expect(blob).toEqual({ highs: Uint32Array.of(1, 2), lows: Uint32Array.of(8, 9), count: 2 })
})

test('a hundred thousand sequential ids are all found, and as many others are not', () => {
  const blob = blobOf(Array.from({ length: 100_000 }, (_, i) => `user-${i}`))
  let found = 0
  for (let i = 0; i < 200_000; i++) if (holds(blob, `user-${i}`)) found++
  expect(found).toBe(100_000)
})

test('aligned bytes are read in place and others from a copy', () => {
  const sealed = seal(['a', 'b', 'c'].map(pairOf))
  expect(open(sealed).highs.buffer).toBe(sealed.buffer)
  for (let offset = 0; offset < 8; offset++) {
    const shifted = new Uint8Array(new ArrayBuffer(sealed.length + 8), offset, sealed.length)
    shifted.set(sealed)
    const blob = open(shifted)
    expect(['a', 'b', 'c', 'd'].map((id) => holds(blob, id))).toEqual([true, true, true, false])
  }
})

test('bytes of a length that no blob has are not read', () => {
  expect(openBlob(new Uint8Array(12))).toBeNull()
  expect(openBlob(new Uint8Array(7))).toBeNull()
  expect(open(new Uint8Array(0)).count).toBe(0)
})

test('an amended blob is the one that is made of the amended ids', () => {
  fc.assert(
    fc.property(anyIds, anyIds, anyIds, (members, added, removed) => {
      const gone = new Set(removed.map((id) => id.toWellFormed()))
      const left = members.filter((id) => !gone.has(id.toWellFormed()))
      expect(amendBlob(blobOf(members), added, removed)).toEqual(seal([...left, ...added].map(pairOf)))
    }),
  )
})

function pairOf(id: string) {
  const { high, low } = fingerprintOf(id)
  return [high, low] as const
}

function seal(pairs: readonly (readonly [number, number])[]) {
  const highs = Uint32Array.from(pairs, ([high]) => high)
  return sealBlob(
    highs,
    Uint32Array.from(pairs, ([, low]) => low),
    pairs.length,
  )
}

function open(bytes: Uint8Array): Blob {
  const blob = openBlob(bytes)
  if (!blob) throw new Error('not a blob')
  return blob
}

const blobOf = (ids: readonly string[]) => open(seal(ids.map(pairOf)))
const holds = (blob: Blob, id: string) => blobHolds(blob, id, fingerprintOf(id).high)

function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(i * 4, true))
}
