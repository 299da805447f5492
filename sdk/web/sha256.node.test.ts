import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { sha256 } from './sha256.ts'

test('it is the SHA-256 of the platform, for texts of every length', () => {
  for (let length = 0; length < 200; length++) {
    const text = 'ü€𝄞x'.repeat(length / 7) + 'a'.repeat(length)
    expect(sha256(text)).toBe(createHash('sha256').update(text).digest('hex'))
  }
})
