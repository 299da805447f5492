import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileLeaf, testContext, type TestedLeaf } from './leaf.test-kit.ts'
import { nextTime } from '../times.ts'

const at = Date.UTC(2026, 2, 1, 9, 30)

/** Leaves on the clock, and what they say of when they may change. */
const fixed: readonly (readonly [TestedLeaf, readonly number[]])[] = [
  [{ op: 'before', value: '2026-03-01T09:30:00Z' }, [at]],
  [{ op: 'after', value: at }, [at + 1]],
  [{ op: 'after', value: at + 0.5 }, [at + 1]],
  [{ op: 'within', values: [at, at + 7] }, [at, at + 7]],
]

test('a leaf on the clock says at which moments it changes, and changes there', () => {
  for (const [leaf, moments] of fixed) {
    const compiled = compileLeaf({ ...leaf, attribute: '$now' })
    expect(compiled.times.moments).toEqual(moments)
    for (const moment of moments) {
      const [before, then] = [moment - 1, moment].map((now) => testContext(compiled, {}, now))
      expect(before, `${leaf.op} at ${moment}`).not.toBe(then)
    }
  }
})

test('a leaf on an attribute does not follow the clock', () => {
  const leaves: TestedLeaf[] = [
    ...fixed.map(([leaf]) => leaf),
    { op: 'weekdayIn', values: ['monday'] },
    { op: 'timeOfDayIn', values: ['09:00', '17:00'] },
  ]
  for (const leaf of leaves) {
    expect(compileLeaf(leaf).times).toEqual({ moments: [], recurring: [] })
  }
})

test('the clock is the argument of the evaluation, and no attribute of that name', () => {
  const compiled = compileLeaf({ attribute: '$now', op: 'before', value: at })
  expect(testContext(compiled, { $now: at + 5 }, at - 1)).toBe(true)
  expect(testContext(compiled, { $now: at - 5 }, at)).toBe(false)
})

test.each([
  { op: 'weekdayIn', values: ['monday', 'wednesday'], zone: 'America/New_York' },
  { op: 'weekdayIn', values: ['sunday'], zone: 'Asia/Kathmandu', negate: true },
  { op: 'timeOfDayIn', values: ['09:00', '17:00:30'], zone: 'Australia/Lord_Howe' },
  { op: 'timeOfDayIn', values: ['22:10', '02:20'], zone: 'America/New_York' },
] as const)('$op on the clock stays as it is until the next time that it names', (leaf) => {
  const compiled = compileLeaf({ ...leaf, attribute: '$now' })
  // Around both changes of summer time, and in general.
  const moment = fc.oneof(
    fc.integer({ min: Date.UTC(2026, 2, 7), max: Date.UTC(2026, 2, 10) }),
    fc.integer({ min: Date.UTC(2026, 9, 2), max: Date.UTC(2026, 10, 3) }),
    fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) }),
  )
  fc.assert(
    fc.property(moment, fc.double({ min: 0, max: 1, noNaN: true }), (now, share) => {
      const next = nextTime(compiled.times, now)
      expect(next).toBeGreaterThan(now)
      expect(next - now).toBeLessThanOrEqual(900_000)
      const later = now + Math.floor((next - 1 - now) * share)
      expect(testContext(compiled, {}, later)).toBe(testContext(compiled, {}, now))
    }),
    { numRuns: 500 },
  )
})

test('operands that cannot be meant are refused', () => {
  const refused: TestedLeaf[] = [
    { op: 'before', value: 'soon' },
    { op: 'after', value: null },
    { op: 'within', values: [at, at] },
    { op: 'within', values: [at + 1, at] },
    { op: 'within', values: [at, at + 1, at + 2] },
    { op: 'timeOfDayIn', values: ['09:00', '09:00:00'] },
    { op: 'timeOfDayIn', values: ['09:00', '24:00'] },
    { op: 'timeOfDayIn', values: ['09:00', '10:00:60'] },
    { op: 'weekdayIn', values: ['Monday'] },
    { op: 'weekdayIn', values: ['monday'], zone: 'Europe' },
  ]
  for (const leaf of refused) expect(() => compileLeaf(leaf), JSON.stringify(leaf)).toThrow(SyntaxError)
})
