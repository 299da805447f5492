import { expect, test } from 'vitest'
import type { Json } from '@halyard/shared/engine/model.ts'
import { isA, readOne, strict, when } from './test-kit.ts'

const variants = { a: 1, b: 2, c: 3, d: 4 }

test.each<[string, Json, Json[], string]>([
  [
    'a chain',
    { if: [isA('x'), 'b', isA('y'), 'c', 'd'] },
    [
      { when: when('x'), serve: { variant: 'b' } },
      { when: when('y'), serve: { variant: 'c' } },
    ],
    'd',
  ],
  [
    'a nested else',
    { if: [isA('x'), 'b', { if: [isA('y'), 'c', 'd'] }] },
    [
      { when: when('x'), serve: { variant: 'b' } },
      { when: when('y'), serve: { variant: 'c' } },
    ],
    'd',
  ],
  [
    'a nested then',
    { if: [isA('x'), { if: [isA('y'), 'b'] }, 'd'] },
    [
      { when: { all: [when('x'), when('y')] }, serve: { variant: 'b' } },
      { when: when('x'), serve: { variant: 'a' } },
    ],
    'd',
  ],
  ['no else', { if: [isA('x'), 'b'] }, [{ when: when('x'), serve: { variant: 'b' } }], 'a'],
  ['null', { if: [isA('x'), null, 'c'] }, [{ when: when('x'), serve: { variant: 'a' } }], 'c'],
  ['nothing', {}, [], 'a'],
])('targeting with %s becomes rules and a fallthrough', (_, targeting, rules, last) => {
  const planned = readOne({ variants, defaultVariant: 'a', targeting })
  expect(planned).toMatchObject({ kind: 'ready', state: { rules, fallthrough: { variant: last } } })
})

test('a bare condition serves the variants true and false', () => {
  const flag = { variants: { true: true, false: false }, defaultVariant: 'false', targeting: isA('x') }
  expect(readOne(flag)).toMatchObject({
    state: { rules: [{ when: when('x'), serve: { variant: 'true' } }], fallthrough: { variant: 'false' } },
  })
})

test('a bare condition that may give null is refused, unless null is served as false', () => {
  const starts = { starts_with: [{ var: 'a' }, 'x'] }
  const flag = { variants: { true: true, false: false }, targeting: { and: [isA('x'), starts] } }
  expect(readOne({ ...flag, defaultVariant: 'true' })).toMatchObject({ kind: 'refused' })
  expect(readOne({ ...flag, defaultVariant: 'false' })).toMatchObject({ kind: 'ready' })
})

test.each<[string, Json]>([
  ['no variant of the flag', { if: [true, 'nope'] }],
  ['no variant of the flag', { if: [true, true] }],
  ['is a number', { if: [true, 1] }],
  ['`cat`', { if: [true, { cat: ['o', 'n'] }] }],
  ['`==`', { if: [true, { '==': [{ var: 'a' }, 'x'] }] }],
  ['where JsonLogic has an operation', ['on']],
  ['one operator in an object', { if: [{ '==': [1, 2], '!=': [1, 2] }, 'on'] }],
])('a result is refused: %s', (reason, targeting) => {
  expect(readOne({ targeting })).toMatchObject({
    kind: 'refused',
    reasons: [expect.stringContaining(reason)],
  })
})

test('references are put in place, also within each other', () => {
  const more = { $evaluators: { isX: isA('x'), either: { or: [{ $ref: 'isX' }, isA('y')] } } }
  expect(readOne({ targeting: { if: [{ $ref: 'either' }, 'on'] } }, strict, more)).toMatchObject({
    state: { rules: [{ when: { any: [when('x'), when('y')] } }] },
  })
})

test.each<[string, object]>([
  ['not among $evaluators', {}],
  ['not among $evaluators', { $evaluators: { __proto__: null } }],
  ['refers to itself', { $evaluators: { it: { '!': { $ref: 'it' } } } }],
])('a reference is refused: %s', (reason, more) => {
  const planned = readOne({ targeting: { if: [{ $ref: 'it' }, 'on'] } }, strict, more)
  expect(planned).toMatchObject({ kind: 'refused', reasons: [expect.stringContaining(reason)] })
})

const twice = (name: string): Json => ({ and: [{ $ref: name }, { $ref: name }] })

test('references that multiply end', () => {
  const steps = Array.from({ length: 40 }, (_, i): [string, Json] => [`e${i}`, twice(`e${i + 1}`)])
  const more = { $evaluators: Object.fromEntries([...steps, ['e40', true]]) }
  const planned = readOne({ targeting: { if: [{ $ref: 'e0' }, 'on'] } }, strict, more)
  expect(planned).toMatchObject({
    kind: 'refused',
    reasons: [expect.stringContaining('more than 10000 parts')],
  })
})

const shares = [
  ['on', 25],
  ['off', 75],
]

test('fractional is refused unless users may move', () => {
  const planned = readOne({ targeting: { fractional: shares } })
  expect(planned).toMatchObject({
    kind: 'refused',
    reasons: [expect.stringMatching(/`fractional` .*users would move.*--rebucket/)],
  })
})

test.each<[string, Json, object]>([
  [
    'targetingKey',
    shares,
    {
      by: 'targetingKey',
      weights: [
        { variant: 'on', weight: 25_000 },
        { variant: 'off', weight: 75_000 },
      ],
    },
  ],
  ['an attribute', [{ var: 'email' }, ...shares], { by: 'email' }],
  [
    'flag and attribute',
    [{ cat: [{ var: '$flagd.flagKey' }, { var: 'email' }] }, ...shares],
    { by: 'email' },
  ],
  [
    'weights left out',
    [['on'], ['off']],
    {
      weights: [
        { variant: 'on', weight: 50_000 },
        { variant: 'off', weight: 50_000 },
      ],
    },
  ],
  [
    'thirds',
    [
      ['on', 1],
      ['off', 2],
    ],
    {
      weights: [
        { variant: 'on', weight: 33_333 },
        { variant: 'off', weight: 66_667 },
      ],
    },
  ],
  [
    'a variant twice',
    [
      ['on', 1],
      ['off', 2],
      ['on', 1],
    ],
    {
      weights: [
        { variant: 'on', weight: 50_000 },
        { variant: 'off', weight: 50_000 },
      ],
    },
  ],
  [
    'the default',
    [
      [null, 1],
      ['on', 1],
    ],
    {
      weights: [
        { variant: 'off', weight: 50_000 },
        { variant: 'on', weight: 50_000 },
      ],
    },
  ],
])('with consent, fractional by %s becomes a split', (_, fractional, split) => {
  const planned = readOne(
    { targeting: { if: [isA('x'), { fractional }, 'off'] } },
    { ...strict, mayRebucket: true },
  )
  expect(planned).toMatchObject({ kind: 'ready', state: { rules: [{ when: when('x'), serve: { split } }] } })
  expect(planned).toMatchObject({ notes: ['users move between variants: flagd buckets otherwise'] })
})

test.each<[Json]>([
  [[]],
  [[['on', 0]]],
  [[['on', -1]]],
  [[['on', 0.5]]],
  [[['on', { var: 'w' }]]],
  [[[{ var: 'v' }, 1]]],
  [['fixed', ['on', 1]]],
  [[{ cat: [{ var: 'a' }, { var: 'b' }] }, ['on', 1]]],
  [[{ var: '$flagd.timestamp' }, ['on', 1]]],
])('fractional %j is refused with consent too', (fractional) => {
  const planned = readOne({ targeting: { fractional } }, { ...strict, mayRebucket: true })
  expect(planned).toMatchObject({ kind: 'refused', reasons: [expect.stringContaining('`fractional`')] })
})
