import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import xxhash from 'xxhash-wasm'
import { xxh32 } from './xxh32.ts'

const { h32 } = await xxhash()
const anyText = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
    .map((units) => String.fromCharCode(...units)),
)

test('the hash is that of xxhash-wasm for any text, with and without a seed', () => {
  fc.assert(
    fc.property(anyText, fc.constantFrom(0, 1, 0x9e3779b9, 0xffffffff), (text, seed) => {
      expect(xxh32(text, seed)).toBe(h32(text, seed))
    }),
    { numRuns: 5_000 },
  )
})

test('the hash is that of xxhash-wasm at every length', () => {
  for (let length = 0; length < 200; length++) {
    for (const letter of ['a', 'é', '日', '🦊', '\ud800']) {
      const text = letter.repeat(length)
      expect(xxh32(text)).toBe(h32(text, 0))
    }
  }
})

test('a lone surrogate counts as U+FFFD', () => {
  expect(xxh32('a\ud800b\udc00')).toBe(xxh32('a\ufffdb\ufffd'))
})
