import { expect, test } from 'vitest'
import { makeBackOff, readRetryAfter } from './back-off.ts'

test('the bound of a back-off doubles from its first to its last value', () => {
  const { next } = makeBackOff(1_000, 30_000, () => 1)
  expect([1, 2, 3, 4, 5, 6, 7].map(() => next())).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
  ])
})

test('jitter is full: from nothing to the bound', () => {
  const draws = [0, 0.5, 0.25]
  const { next } = makeBackOff(1_000, 30_000, () => draws.shift() ?? 1)
  expect([next(), next(), next()]).toEqual([0, 1_000, 1_000])
})

test('a reset begins again at the first bound', () => {
  const { next, reset } = makeBackOff(1_000, 30_000, () => 1)
  next()
  next()
  reset()
  expect(next()).toBe(1_000)
})

test('what the server asked for is waited at least', () => {
  const { next } = makeBackOff(1_000, 30_000, () => 1)
  expect(next(45_000)).toBe(45_000)
  expect(next(500)).toBe(2_000)
})

test('Retry-After is read as seconds or as a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  expect(readRetryAfter('7', now)).toBe(7_000)
  expect(readRetryAfter('Thu, 01 Jan 2026 00:00:09 GMT', now)).toBe(9_000)
  expect(readRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0)
  expect(readRetryAfter('soon', now)).toBeNull()
  expect(readRetryAfter(null, now)).toBeNull()
})
