import { expect, test } from 'vitest'
import { makeBackOff } from './back-off.ts'

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

test('what the server asked for is waited at least, and the jitter comes on top, so that nobody comes back together', () => {
  const draws = [0, 0.5]
  const { next } = makeBackOff(1_000, 30_000, () => draws.shift() ?? 1)
  expect(next(45_000)).toBe(45_000)
  expect(next(500)).toBe(1_500)
})

test('nobody is kept away for more than an hour', () => {
  const { next } = makeBackOff(1_000, 30_000, () => 0)
  expect(next(86_400_000)).toBe(3_600_000)
})
