import { expect, test } from 'vitest'
import { fingerprintOf, sealBlob } from './blob.ts'
import { baseFlag, baseSegment } from './cases.ts'
import { evaluate } from './evaluate.ts'
import { explain } from './explain.ts'
import { attributesRead, nextBoundary, requiredBlobs } from './reach.ts'
import { addBlob, formatBody, formatLine, loadSnapshot } from './snapshot.ts'

const flagLine = (key: string, change: object = {}) =>
  formatLine('flag', key, JSON.stringify({ ...baseFlag, ...change }))
const segmentLine = (key: string, change: object = {}) =>
  formatLine('segment', key, JSON.stringify({ ...baseSegment, ...change }))
const load = (...lines: string[]) => loadSnapshot(formatBody(lines))
const rule = (when: object) => ({ rules: [{ id: 'r', when, serve: { variant: 'on' } }] })
const hash = (digits: string) => digits.repeat(32)
const membersOf = (digits: string, change: object = {}) => ({
  members: { hash: hash(digits), count: 2, added: [], removed: [], ...change },
})

function blobOf(...ids: string[]): Uint8Array {
  const prints = ids.map(fingerprintOf)
  const words = (name: 'high' | 'low') => Uint32Array.from(prints, (print) => print[name])
  return sealBlob(words('high'), words('low'), ids.length)
}

test('members of a blob are in their segment, with what was added and without what was removed', () => {
  const change = membersOf('aa', { added: ['new'], removed: ['old'] })
  const snapshot = load(flagLine('f', rule({ segment: 's' })), segmentLine('s', change))
  expect(addBlob(snapshot, hash('aa'), blobOf('user-1', 'old', '42'))).toBe(true)
  const isIn = (targetingKey: string | number) =>
    evaluate(snapshot, 'f', { targetingKey }, 0).reason === 'TARGETING_MATCH'
  expect(['user-1', 'new', '42', 42].map(isIn)).toEqual([true, true, true, true])
  expect(['user-2', 'old', '', 43].map(isIn)).toEqual([false, false, false, false])
})

test('an id with a lone surrogate is its well-formed text, in lists and in a blob', () => {
  const odd = 'a\ud800'
  const snapshot = load(
    flagLine('blob', rule({ segment: 'members' })),
    flagLine('list', rule({ segment: 'included' })),
    flagLine('not', rule({ segment: 'excluded' })),
    segmentLine('excluded', { ...membersOf('aa'), exclude: ['a\ufffd'] }),
    segmentLine('included', { include: [odd] }),
    segmentLine('members', membersOf('aa')),
  )
  addBlob(snapshot, hash('aa'), blobOf('a\ufffd'))
  for (const targetingKey of [odd, 'a\ufffd']) {
    expect(evaluate(snapshot, 'blob', { targetingKey }, 0)).toMatchObject({ value: true })
    expect(evaluate(snapshot, 'list', { targetingKey }, 0)).toMatchObject({ value: true })
    expect(evaluate(snapshot, 'not', { targetingKey }, 0)).toMatchObject({ value: false })
  }
})

test('members that are not at hand are an error until they come', () => {
  const snapshot = load(flagLine('f', rule({ segment: 's' })), segmentLine('s', membersOf('aa')))
  const context = { targetingKey: 'user-1' }
  expect(evaluate(snapshot, 'f', context, 0)).toMatchObject({ errorCode: 'GENERAL' })
  expect(explain(snapshot, 'f', context, 0).trace.at(-1)).toMatchObject({
    kind: 'fault',
    errorCode: 'GENERAL',
  })
  expect(addBlob(snapshot, hash('aa'), new Uint8Array(7)), 'no blob').toBe(false)
  expect(requiredBlobs(snapshot)).toEqual([hash('aa')])
  addBlob(snapshot, hash('aa'), blobOf('user-1'))
  expect(requiredBlobs(snapshot)).toEqual([])
  expect(evaluate(snapshot, 'f', context, 0)).toMatchObject({ value: true })
})

test('the blobs of a flag are those of all that it reaches, and of nothing else', () => {
  const snapshot = load(
    flagLine('direct', rule({ not: { segment: 'one' } })),
    flagLine('plain'),
    flagLine('through', {
      prerequisites: [{ flag: 'direct', variants: ['on'] }],
      ...rule({ segment: 'nest' }),
    }),
    segmentLine('nest', { when: { segment: 'two' } }),
    segmentLine('one', membersOf('11')),
    segmentLine('two', membersOf('22')),
    segmentLine('unused', membersOf('33')),
  )
  expect(requiredBlobs(snapshot, ['plain', 'nowhere'])).toEqual([])
  expect(requiredBlobs(snapshot, ['direct'])).toEqual([hash('11')])
  expect(requiredBlobs(snapshot, ['through']).toSorted()).toEqual([hash('11'), hash('22')])
  expect(requiredBlobs(snapshot).toSorted()).toEqual([hash('11'), hash('22')])
  addBlob(snapshot, hash('11'), blobOf('x'))
  expect(requiredBlobs(snapshot, ['through'])).toEqual([hash('22')])
})

const reading = (attribute: string) => rule({ attribute, op: 'eq', value: 1 })

test('the attributes read are those of flags and what they refer to', () => {
  const snapshot = load(
    flagLine('a', {
      ...reading('a'),
      fallthrough: { split: { by: 'b', weights: [{ variant: 'on', weight: 100_000 }] } },
    }),
    flagLine('hidden', { ...reading('h'), clientVisible: false }),
    flagLine('off', { ...reading('o'), enabled: false }),
    flagLine('over', {
      overrides: [{ attribute: 'c', values: [1], variant: 'on' }],
      ...rule({ segment: 's' }),
    }),
    segmentLine('s', { attribute: 'd', when: { attribute: 'e.f', op: 'eq', value: 1 } }),
    segmentLine('unused', { attribute: 'u' }),
  )
  expect(attributesRead(snapshot)).toEqual(['a', 'b', 'c', 'd', 'e.f', 'h'])
  expect(attributesRead(snapshot, { clientOnly: true })).toEqual(['a', 'b', 'c', 'd', 'e.f'])
})

test('the clock is no attribute of the context', () => {
  const snapshot = load(flagLine('f', rule({ attribute: '$now', op: 'after', value: 1 })))
  expect(attributesRead(snapshot)).toEqual([])
})

test('a hidden flag that a visible one asks for is read with it', () => {
  const snapshot = load(
    flagLine('a', { prerequisites: [{ flag: 'hidden', variants: ['on'] }] }),
    flagLine('hidden', { ...reading('h'), clientVisible: false }),
  )
  expect(attributesRead(snapshot, { clientOnly: true })).toEqual(['h'])
})

test('the next boundary is the next moment of a ramp, an expiry, an override or a clock', () => {
  const ramp = {
    by: 'targetingKey',
    from: 'off',
    to: 'on',
    steps: [
      { at: 100, share: 1 },
      { at: 700, share: 2 },
    ],
  }
  const snapshot = load(
    flagLine('clock', rule({ attribute: '$now', op: 'after', value: 300 })),
    flagLine('expiry', { expiry: { at: 500, variant: 'on' } }),
    flagLine('hidden', { clientVisible: false, expiry: { at: 150, variant: 'on' } }),
    flagLine('off', { enabled: false, expiry: { at: 120, variant: 'on' } }),
    flagLine('over', { overrides: [{ attribute: 'a', values: [1], variant: 'on', until: 200 }] }),
    flagLine('ramp', { fallthrough: { ramp } }),
    flagLine('segment', rule({ segment: 's' })),
    segmentLine('s', { when: { attribute: '$now', op: 'before', value: 400 } }),
  )
  const walk = (clientOnly: boolean) => {
    const found = []
    for (let now = 0; now < Infinity; now = nextBoundary(snapshot, now, { clientOnly })) found.push(now)
    return found
  }
  expect(walk(false)).toEqual([0, 100, 150, 200, 301, 400, 500, 700])
  expect(walk(true)).toEqual([0, 100, 200, 301, 400, 500, 700])
  expect(nextBoundary(snapshot, 99), 'going back in time').toBe(100)
  expect(nextBoundary(snapshot, 699.5)).toBe(700)
})

test('without anything that follows the clock there is no boundary', () => {
  expect(nextBoundary(load(flagLine('f')), 0)).toBe(Infinity)
})

test('flags that refer to one another in a thousand million ways are decided once each', () => {
  const lines = Array.from({ length: 20 }, (_, i) => {
    const below = { flag: `f${i + 1}`, variants: ['on'] }
    const change = i === 19 ? {} : { prerequisites: Array.from({ length: 8 }, () => below) }
    return flagLine(`f${i}`, { fallthrough: { variant: 'on' }, ...change })
  })
  const segments = Array.from({ length: 20 }, (_, i) => {
    const below = { not: { not: { segment: `s${i + 1}` } } }
    return segmentLine(`s${i}`, {
      when: i === 19 ? { all: [] } : { all: Array.from({ length: 8 }, () => below) },
    })
  })
  const snapshot = load(...lines, ...segments, flagLine('g', rule({ segment: 's0' })))
  expect(evaluate(snapshot, 'f0', {}, 0)).toMatchObject({ value: true, reason: 'DEFAULT' })
  expect(explain(snapshot, 'f0', {}, 0).decision).toMatchObject({ value: true })
  expect(
    explain(load(...segments.slice(1), flagLine('g', rule({ segment: 's1' }))), 'g', {}, 0).decision,
  ).toMatchObject({
    value: true,
  })
  expect(evaluate(snapshot, 'g', {}, 0), 'one too deep').toMatchObject({ errorCode: 'PARSE_ERROR' })
})
