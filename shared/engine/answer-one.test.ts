import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { compilePattern } from '../pattern/pattern.ts'
import { bodyOf, context, environment } from './arbitraries.test-kit.ts'
import { answerOne, evaluate } from './evaluate.ts'
import { dependsOnTime } from './reach.ts'
import { findFlag, flagKeys, loadSnapshot } from './snapshot.ts'
import { baseFlag } from './cases.ts'
import { formatLine } from './snapshot.ts'
import type { EvaluationContext } from './model.ts'

const load = (body: string) => loadSnapshot(body, { compilePattern })
const flagLine = (change: object) => formatLine('flag', 'f', JSON.stringify({ ...baseFlag, ...change }))

test('an answer is that of an evaluation at the moment of the clock, although the clock is not always read', () => {
  fc.assert(
    fc.property(environment, context, fc.integer({ min: 0, max: 13 }), (world, asked, now) => {
      const [snapshot, plain] = [load(bodyOf(world)), load(bodyOf(world))]
      for (const key of flagKeys(snapshot))
        expect(answerOne(snapshot, key, asked, () => now)?.full).toEqual(evaluate(plain, key, asked, now))
    }),
  )
})

test.each([
  ['without rules', {}, false],
  ['with a rollout', rolloutOf(), false],
  ['that expires', { expiry: { at: 5, variant: 'off' } }, true],
  ['with an override that ends', overrideUntil(5), true],
  ['with one that does not end', overrideUntil(undefined), false],
  ['that compares $now', ruleOf({ attribute: '$now', op: 'after', value: 5 }), true],
  ['that compares a moment of the context', ruleOf({ attribute: 'born', op: 'after', value: 5 }), false],
  ['that is off', { enabled: false, ...ruleOf({ attribute: '$now', op: 'after', value: 5 }) }, false],
])('the clock of a flag %s is read only if it matters', (_, change, isRead) => {
  const snapshot = load(flagLine(change))
  const entry = findFlag(snapshot, 'f')
  let reads = 0
  answerOne(snapshot, 'f', {}, () => (reads += 1))
  expect([reads > 0, entry && dependsOnTime(snapshot, entry)]).toEqual([isRead, isRead])
})

test('a flag whose prerequisite expires depends on time too', () => {
  const first = flagLine({ prerequisites: [{ flag: 'g', variants: ['on'] }] })
  const second = formatLine('flag', 'g', JSON.stringify({ ...baseFlag, expiry: { at: 5, variant: 'off' } }))
  const snapshot = load(`${first}\n${second}`)
  const entry = findFlag(snapshot, 'f')
  expect(entry && dependsOnTime(snapshot, entry)).toBe(true)
})

test('a Date in a context is its ISO text, at the top and below it; one of no moment, null; undefined is missing', () => {
  const born = new Date('2001-02-03T04:05:06.789Z')
  const isText = { attribute: 'born', op: 'eq', value: '2001-02-03T04:05:06.789Z' }
  expect(isMatch(isText, { born })).toBe(true)
  expect(isMatch({ ...isText, attribute: 'user.born' }, { user: { born } })).toBe(true)
  expect(isMatch({ attribute: 'born', op: 'before', value: '2001-02-04T00:00:00Z' }, { born })).toBe(true)
  expect(isMatch(isText, { born: new Date(NaN) })).toBe(false)
  expect(isMatch({ attribute: 'born', op: 'exists' }, { born: undefined })).toBe(false)
})

function isMatch(when: object, given: object): boolean {
  const { reason } = evaluate(load(flagLine(ruleOf(when))), 'f', given as EvaluationContext, 0) // what clients let through
  return reason === 'TARGETING_MATCH'
}

function ruleOf(when: object) {
  return { rules: [{ id: 'r', when, serve: { variant: 'on' } }] }
}

function rolloutOf() {
  const weights = [
    { variant: 'on', weight: 50_000 },
    { variant: 'off', weight: 50_000 },
  ]
  return { fallthrough: { split: { by: 'targetingKey', weights } } }
}

function overrideUntil(until: number | undefined) {
  return { overrides: [{ attribute: 'targetingKey', values: ['x'], variant: 'on', until }] }
}
