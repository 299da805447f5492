import { expect, test } from 'vitest'
import { makeBucket, spreadSec, takeFrom } from './admission.ts'

test('a bucket gives what it holds, and then as much as comes in', () => {
  const bucket = makeBucket(10, 20, 0)
  const taken = (now: number) =>
    Array.from({ length: 30 }, () => takeFrom(bucket, 1, now)).filter(Boolean).length
  expect([taken(0), taken(0), taken(500), taken(60_000)]).toEqual([20, 0, 5, 20])
})

test('more than a whole bucket is had from a full one, and owed', () => {
  const bucket = makeBucket(10, 20, 0)
  expect(takeFrom(bucket, 50, 0)).toBe(true)
  expect(takeFrom(bucket, 1, 3000)).toBe(false)
  expect(takeFrom(bucket, 1, 3100)).toBe(true)
})

test('those who are turned away come back over five seconds, and over more if there are more of them', () => {
  const bucket = makeBucket(10, 10, 0)
  for (let i = 0; i < 20; i++) takeFrom(bucket, 1, 0)
  expect([spreadSec(bucket, 0), spreadSec(bucket, 0.999)]).toEqual([1, 6])
  for (let i = 0; i < 100; i++) takeFrom(bucket, 1, 0)
  expect([spreadSec(bucket, 0), spreadSec(bucket, 0.999)]).toEqual([1, 16])
  for (let i = 0; i < 10_000; i++) takeFrom(bucket, 1, 0)
  expect(spreadSec(bucket, 0.999)).toBe(30)
  takeFrom(bucket, 1, 3_600_000)
  expect(spreadSec(bucket, 0.999)).toBe(5)
})

test('a clock that goes back gives nothing', () => {
  const bucket = makeBucket(10, 1, 5000)
  expect(takeFrom(bucket, 1, 5000)).toBe(true)
  expect(takeFrom(bucket, 1, 4000)).toBe(false)
})
