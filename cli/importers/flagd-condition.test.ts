import { expect, test } from 'vitest'
import type { Json } from '@halyard/shared/engine/model.ts'
import { readOne, typed, whenOf } from './test-kit.ts'

test.each<[string, Json, Json]>([
  ['=== text', { '===': [{ var: 'a' }, 'x'] }, { attribute: 'a', op: 'eq', value: 'x' }],
  ['=== number', { '===': [{ var: 'a' }, 5] }, { attribute: 'a', op: 'eq', value: 5 }],
  ['=== mirrored', { '===': [true, { var: 'a' }] }, { attribute: 'a', op: 'eq', value: true }],
  ['== text', { '==': [{ var: 'a.b' }, 'x'] }, { attribute: 'a.b', op: 'eq', value: 'x' }],
  ['== numeric text', { '==': [{ var: 'a' }, '42'] }, { attribute: 'a', op: 'in', values: ['42', 42] }],
  ['== "1"', { '==': [{ var: 'a' }, '1'] }, { attribute: 'a', op: 'in', values: ['1', 1, true] }],
  ['== blank', { '==': [{ var: 'a' }, ''] }, { attribute: 'a', op: 'in', values: ['', 0, false] }],
  ['!= text', { '!=': [{ var: 'a' }, 'x'] }, { not: { attribute: 'a', op: 'eq', value: 'x' } }],
  ['in list', { in: [{ var: 'a' }, ['x', 5]] }, { attribute: 'a', op: 'in', values: ['x', 5] }],
  ['in nothing', { in: [{ var: 'a' }, []] }, { any: [] }],
  ['starts_with', { starts_with: [{ var: 'a' }, 'x'] }, { attribute: 'a', op: 'startsWith', values: ['x'] }],
  ['ends_with', { ends_with: [{ var: 'a' }, 'x'] }, { attribute: 'a', op: 'endsWith', values: ['x'] }],
  [
    'in text',
    { in: ['@x.com', { var: 'a' }] },
    {
      any: [
        { attribute: 'a', op: 'contains', values: ['@x.com'] },
        { attribute: 'a', op: 'hasAny', values: ['@x.com'] },
      ],
    },
  ],
  ['== null', { '==': [{ var: 'a' }, null] }, { not: { attribute: 'a', op: 'exists' } }],
  ['!== null', { '!==': [{ var: 'a' }, null] }, { not: { not: { attribute: 'a', op: 'exists' } } }],
  ['sem_ver', { sem_ver: [{ var: 'a' }, '>=', '1.2'] }, { attribute: 'a', op: 'semverGte', value: '1.2' }],
  [
    'sem_ver !=',
    { sem_ver: [{ var: 'a' }, '!=', 'v1.2.3'] },
    { attribute: 'a', op: 'semverEq', value: 'v1.2.3', negate: true },
  ],
  [
    'sem_ver ~',
    { sem_ver: [{ var: 'a' }, '~', '1.2.3'] },
    {
      all: [
        { attribute: 'a', op: 'semverGte', value: '1.2.0-0' },
        { attribute: 'a', op: 'semverLt', value: '1.3.0-0' },
      ],
    },
  ],
  [
    'the moment',
    { '<': [{ var: '$flagd.timestamp' }, 1_700_000_000] },
    { attribute: '$now', op: 'before', value: '2023-11-14T22:13:20.000Z' },
  ],
  [
    'if',
    { if: [{ '===': [{ var: 'a' }, 1] }, true, false] },
    {
      any: [
        { all: [{ attribute: 'a', op: 'eq', value: 1 }, { all: [] }] },
        { all: [{ not: { attribute: 'a', op: 'eq', value: 1 } }, { any: [] }] },
      ],
    },
  ],
  [
    'targetingKey',
    { '===': [{ var: 'targetingKey' }, 'u'] },
    { attribute: 'targetingKey', op: 'eq', value: 'u' },
  ],
  [
    'a default that decides nothing',
    { '===': [{ var: ['a', 'y'] }, 'x'] },
    { attribute: 'a', op: 'eq', value: 'x' },
  ],
  [
    'and',
    { and: [true, { '===': [{ var: 'a' }, 1] }] },
    { all: [{ all: [] }, { attribute: 'a', op: 'eq', value: 1 }] },
  ],
  ['or', { or: [false] }, { any: [{ any: [] }] }],
  ['!', { '!': { in: [{ var: 'a' }, ['x']] } }, { not: { attribute: 'a', op: 'in', values: ['x'] } }],
])('%s is expressed', (_, condition, expected) => {
  expect(whenOf(condition)).toEqual(expected)
})

test.each<[string, Json, Json]>([
  ['== number', { '==': [{ var: 'a' }, 5] }, { attribute: 'a', op: 'eq', value: 5 }],
  ['== true', { '==': [{ var: 'a' }, true] }, { attribute: 'a', op: 'eq', value: true }],
  ['> positive', { '>': [{ var: 'a' }, 18] }, { attribute: 'a', op: 'gt', value: 18 }],
  ['> negative', { '>': [{ var: 'a' }, -1] }, { not: { attribute: 'a', op: 'gt', value: -1, negate: true } }],
  ['>= positive', { '>=': [{ var: 'a' }, 18] }, { attribute: 'a', op: 'gte', value: 18 }],
  ['>= 0', { '>=': [{ var: 'a' }, 0] }, { not: { attribute: 'a', op: 'gte', value: 0, negate: true } }],
  [
    'between',
    { '<=': [1, { var: 'a' }, 5] },
    {
      all: [
        { attribute: 'a', op: 'gte', value: 1 },
        { not: { attribute: 'a', op: 'lte', value: 5, negate: true } },
      ],
    },
  ],
  ['< positive', { '<': [{ var: 'a' }, 18] }, { not: { attribute: 'a', op: 'lt', value: 18, negate: true } }],
  ['<= negative', { '<=': [{ var: 'a' }, -5] }, { attribute: 'a', op: 'lte', value: -5 }],
  ['mirrored', { '<': [18, { var: 'a' }] }, { attribute: 'a', op: 'gt', value: 18 }],
  ['< with a default', { '<': [{ var: ['a', 99] }, 18] }, { attribute: 'a', op: 'lt', value: 18 }],
  ['an attribute alone', { var: 'a' }, { attribute: 'a', op: 'in', values: [false, 0, ''], negate: true }],
  [
    'a default that decides',
    { '===': [{ var: ['a', 'x'] }, 'x'] },
    { not: { attribute: 'a', op: 'eq', value: 'x', negate: true } },
  ],
])('%s is expressed only with --typed', (_, condition, expected) => {
  expect(whenOf(condition)).toEqual([expect.stringContaining('say --typed')])
  expect(whenOf(condition, typed)).toEqual(expected)
})

test('what --typed took for granted is noted', () => {
  const targeting = { if: [{ '>': [{ var: 'age' }, 18] }, 'on'] }
  expect(readOne({ targeting }, typed)).toMatchObject({
    notes: ['takes "age" to arrive as a number, or not at all'],
  })
})

test.each<[string, Json]>([
  ['ends_with', { ends_with: [{ var: 'a' }, ''] }],
  ['ends_with', { ends_with: ['x', { var: 'a' }] }],
  ['sem_ver', { sem_ver: [{ var: 'a' }, '=>', '1.0.0'] }],
  ['sem_ver', { sem_ver: [{ var: 'a' }, '=', '1.x'] }],
  ['sem_ver', { sem_ver: [{ var: 'a' }, '=', '1.2-beta'] }],
  ['sem_ver', { sem_ver: [{ var: 'a' }, '='] }],
  ['sem_ver', { sem_ver: [{ var: ['a', '1.0.0'] }, '=', '1.0.0'] }],
  ['in', { in: ['', { var: 'a' }] }],
  ['in', { in: [5, { var: 'a' }] }],
  ['in', { in: ['x', { var: ['a', 'xy'] }] }],
  ['in', { in: [{ var: 'a' }, 'text'] }],
  ['in', { in: [{ var: 'a' }, [null]] }],
  ['in', { in: [{ var: 'a' }, ['x'], 'more'] }],
  ['starts_with', { starts_with: [{ var: 'a' }, ''] }],
  ['starts_with', { starts_with: ['x', { var: 'a' }] }],
  ['==', { '==': [{ var: ['a', 1] }, null] }],
  ['===', { '===': [{ var: ['a', 1] }, null] }],
  ['==', { '==': [{ var: 'a' }, { var: 'b' }] }],
  ['==', { '==': [1, 1] }],
  ['==', { '==': [{ var: 'a' }] }],
  ['==', { '==': [{ var: 'a' }, '0x10'] }],
  ['==', { '==': [{ var: 'a' }, ' 5'] }],
  ['==', { '==': [{ var: 'a' }, '.5'] }],
  ['>', { '>': [{ var: 'a' }, 'x'] }],
  ['>', { '>': [1, { var: 'a' }, 5] }],
  ['<', { '<': [{ var: 'a' }, 1, 5] }],
  ['>', { '>': [{ var: '$flagd.timestamp' }, 'x'] }],
  ['>', { '>': [{ var: '$flagd.timestamp' }, 1.5] }],
  ['some', { if: [true, { some: [{ var: 'a' }, true] }] }],
  ['missing', { missing: ['a'] }],
  ['some', { some: [{ var: 'a' }, true] }],
  ['%', { '%': [{ var: 'a' }, 2] }],
  ['and', { and: [] }],
  ['or', { or: [] }],
  ['!', { '!': [] }],
  ['!', { '!': [true, false] }],
  ['var', { '===': [{ var: '$flagd.timestamp' }, 1] }],
  ['var', { '===': [{ var: '' }, 1] }],
  ['var', { '===': [{ var: 0 }, 1] }],
  ['var', { '===': [{ var: 'list.0' }, 1] }],
  ['var', { '===': [{ var: ['a', ['x']] }, 1] }],
  ['fractional', { fractional: [['on', 1]] }],
])('`%s` in %j is refused by name, also with every consent', (operator, condition) => {
  expect(whenOf(condition, { isTyped: true, mayRebucket: true })).toEqual([
    expect.stringContaining(`\`${operator}\``),
  ])
})
