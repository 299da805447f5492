import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventBatch } from '@halyard/shared/contract/usage.ts'
import { readBatch } from '../workers/edge/event-batch.ts'
import { Refusal } from '../workers/edge/refusal.ts'
import type { JsonObject } from '../workers/edge/request-body.ts'

const now = Date.parse('2026-11-20T12:00:00Z')
const right = {
  kind: 'evaluations',
  flag: 'banner',
  variant: 'on',
  count: 1,
  from: now - 3_600_000,
  to: now,
}
const metric = { kind: 'metric', name: 'signup', count: 1, sum: 0.5, from: right.from, to: now }
const long = 'x'.repeat(100)
const things = [
  undefined,
  null,
  true,
  [],
  {},
  0,
  -1,
  1,
  1.5,
  1e9,
  1e9 + 1,
  1e15,
  -1e15,
  1.1e15,
  -1e300,
  1e300,
  now,
  now - 60_000,
]
const names = [
  '',
  'a.b_c-d',
  '-a',
  'a b',
  'a\n',
  '\0',
  '😀',
  long.slice(36),
  long.slice(35),
  long,
  `${long}x`,
]
const moments = [
  '2026-11-20T11:30:00Z',
  '2026-11-20t12:30:00.5+01:00',
  '2026-11-20',
  `2026-11-20T11:30:00.${'0'.repeat(60)}Z`,
]
const values = fc.constantFrom<unknown>(...things, ...names, ...moments, 'evaluations', 'metric', 'exposure')
/** A right event in which some names have other values. */
const event = fc
  .constantFrom<object>(right, metric)
  .chain((whole) =>
    fc
      .array(fc.tuple(fc.constantFrom(...Object.keys(whole), 'extra'), values), { maxLength: 2 })
      .map((changes) => ({ ...whole, ...Object.fromEntries(changes) })),
  )
const batch = fc.record({
  id: fc.oneof(fc.constant('b'), values),
  events: fc.oneof({ weight: 9, arbitrary: fc.array(event, { maxLength: 2 }) }, values, fc.tuple(values)),
})

/** What the edge has against a batch. */
function refusalOf(members: JsonObject): string | null {
  try {
    readBatch(members, now)
    return null
  } catch (error) {
    if (error instanceof Refusal) return error.message
    throw error
  }
}

test('the edge, which checks by hand, takes just what the contract says, in windows that are not too old', () => {
  let taken = 0
  fc.assert(
    fc.property(batch, (made) => {
      const members = JSON.parse(JSON.stringify(made)) as JsonObject // as it comes off a wire
      const refusal = refusalOf(members)
      if (/ago|ahead|is after/.test(refusal ?? '')) return // what no schema can say: it has no clock
      taken += Number(refusal === null)
      expect({ refusal, isTaken: EventBatch.safeParse(members).success }).toEqual({
        refusal,
        isTaken: refusal === null,
      })
    }),
    { numRuns: 3_000 },
  )
  expect(taken).toBeGreaterThan(100)
})
