import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { compilePattern } from '../../pattern/pattern.ts'
import { attributeAt, makeRun, startRun } from '../attribute.ts'
import type { Json, Operator } from '../model.ts'
import { isOperator, operators } from './operators.ts'
import { compileLeaf, matches, testContext, type TestedLeaf } from './leaf.test-kit.ts'
import { makeTimes } from '../times.ts'

/** One leaf of each operator. */
const leaves: readonly TestedLeaf[] = [
  { op: 'eq', value: 1 },
  { op: 'in', values: [1] },
  { op: 'contains', values: ['x'] },
  { op: 'startsWith', values: ['x'] },
  { op: 'endsWith', values: ['x'] },
  { op: 'matches', value: 'x' },
  { op: 'gt', value: 1 },
  { op: 'gte', value: 1 },
  { op: 'lt', value: 1 },
  { op: 'lte', value: 1 },
  { op: 'between', values: [1, 2] },
  { op: 'modulo', values: [2, 1] },
  { op: 'semverEq', value: '1.0.0' },
  { op: 'semverGt', value: '1.0.0' },
  { op: 'semverGte', value: '1.0.0' },
  { op: 'semverLt', value: '1.0.0' },
  { op: 'semverLte', value: '1.0.0' },
  { op: 'semverRange', value: '^1' },
  { op: 'before', value: 0 },
  { op: 'after', value: 0 },
  { op: 'within', values: [0, 1] },
  { op: 'weekdayIn', values: ['monday'] },
  { op: 'timeOfDayIn', values: ['00:00', '12:00'] },
  { op: 'hasAny', values: [1] },
  { op: 'hasAll', values: [1] },
  { op: 'hasNone', values: [1] },
  { op: 'sizeEq', value: 1 },
  { op: 'sizeGt', value: 1 },
  { op: 'sizeLt', value: 1 },
  { op: 'inCidr', values: ['::/0'] },
  { op: 'exists' },
  { op: 'isType', values: ['number'] },
]
const timeOperators = new Set<Operator>(['before', 'after', 'within', 'weekdayIn', 'timeOfDayIn'])
const foldingOperators = new Set<Operator>([
  'eq',
  'in',
  'contains',
  'startsWith',
  'endsWith',
  'hasAny',
  'hasAll',
  'hasNone',
])
const zonedOperators = new Set<Operator>(['weekdayIn', 'timeOfDayIn'])

test('the table of leaves has every operator', () => {
  expect(leaves.map(({ op }) => op)).toEqual(Object.keys(operators))
  expect(isOperator('toString')).toBe(false)
})

test.each(leaves)('$op matches NaN neither plainly nor negated', (leaf) => {
  if (leaf.op === 'exists') return expect(testLeaf(leaf, NaN)).toBe(true)
  expect(testLeaf(leaf, NaN)).toBe(false)
  expect(testLeaf({ ...leaf, negate: true }, NaN)).toBe(false)
})

test.each(leaves)('$op matches no missing value and no null, negated or not', (leaf) => {
  for (const context of [{}, { a: null }]) {
    expect(testContext(compileLeaf(leaf, compilePattern), context)).toBe(false)
    const negated = compileLeaf({ ...leaf, negate: true }, compilePattern)
    expect(testContext(negated, context)).toBe(leaf.op === 'exists')
  }
})

test.each(leaves)('$op takes its own members and no others', (leaf) => {
  const operands = { value: leaf.value ?? 1, values: leaf.values ?? [1] }
  expect(() => compile(leaf)).not.toThrow()
  if (leaf.op !== 'exists') expect(() => compile({ op: leaf.op })).toThrow(/^\w+ has no "values?"$/)
  expect(() => compile({ ...leaf, ...operands })).toThrow(SyntaxError)
  expectTaken({ ...leaf, ignoreCase: true }, foldingOperators.has(leaf.op))
  expectTaken({ ...leaf, zone: 'UTC' }, zonedOperators.has(leaf.op))
  expectTaken({ ...leaf, attribute: '$now' }, timeOperators.has(leaf.op))
})

test('a leaf has at most 1,000 operands', () => {
  const operands = Array.from({ length: 1_001 }, (_, index) => index)
  expect(() => compile({ op: 'in', values: operands.slice(1) })).not.toThrow()
  expect(() => compile({ op: 'in', values: operands })).toThrow('more than 1000')
})

test('a matching value does not match negated, and the other way round', () => {
  const rows: readonly [TestedLeaf, Json, Json][] = [
    [{ op: 'contains', values: ['x'] }, 'axa', 'a'],
    [{ op: 'modulo', values: [2, 1] }, 3, 2],
    [{ op: 'within', values: [0, 10] }, 9, 10],
    [{ op: 'timeOfDayIn', values: ['23:00', '01:00'] }, 0, 3_600_000],
    [{ op: 'hasAll', values: ['x', 'y'] }, ['y', 'x'], ['x']],
    [{ op: 'inCidr', values: ['10.0.0.0/8'] }, '10.0.0.1', '::1'],
    [{ op: 'isType', values: ['list'] }, [], {}],
  ]
  for (const [leaf, match, other] of rows) {
    expect([matches(leaf, match), matches(leaf, other)], leaf.op).toEqual([true, false])
    const negated = { ...leaf, negate: true }
    expect([matches(negated, match), matches(negated, other)], leaf.op).toEqual([false, true])
  }
})

test('infinite numbers are numbers, but have no remainder and are no moments', () => {
  expect(matches({ op: 'gt', value: 1e300 }, Infinity)).toBe(true)
  expect(matches({ op: 'between', values: [-1, 1], negate: true }, -Infinity)).toBe(true)
  expect(matches({ op: 'modulo', values: [2, 0], negate: true }, Infinity)).toBe(false)
  expect(matches({ op: 'after', value: 0 }, Infinity)).toBe(false)
  expect(matches({ op: 'weekdayIn', values: ['monday'], negate: true }, Infinity)).toBe(false)
})

test('-0 is 0', () => {
  for (const [operand, value] of [
    [0, -0],
    [-0, 0],
  ] as const) {
    expect(matches({ op: 'eq', value: operand }, value)).toBe(true)
    expect(matches({ op: 'in', values: [operand] }, value)).toBe(true)
    expect(matches({ op: 'gte', value: operand }, value)).toBe(true)
    expect(matches({ op: 'lt', value: operand }, value)).toBe(false)
    expect(matches({ op: 'hasAll', values: [operand] }, [value])).toBe(true)
  }
})

test('text compares by code unit, lone surrogates included', () => {
  expect(matches({ op: 'contains', values: ['\ud83e'] }, 'a\ud83eb')).toBe(true)
  expect(matches({ op: 'eq', value: '\ud800' }, '\ufffd')).toBe(false)
  expect(matches({ op: 'eq', value: '\ud800', ignoreCase: true }, '\ud800')).toBe(true)
  expect(matches({ op: 'endsWith', values: ['\udd8a'], ignoreCase: true }, 'A🦊')).toBe(true)
})

test('patterns are refused by a reader that has none, and otherwise compiled once a leaf', () => {
  expect(() => compileLeaf({ op: 'matches', value: 'x' })).toThrow('this reader has no patterns')
  let count = 0
  const leaf = compileLeaf({ op: 'matches', value: 'x' }, () => {
    count += 1
    return (text) => text === 'yes'
  })
  expect([testContext(leaf, { a: 'yes' }), testContext(leaf, { a: 'no' }), count]).toEqual([true, false, 1])
})

test('a pattern has 1 to 256 UTF-16 units', () => {
  expect(compilePatternLeaf('')).toThrow('1 to 256')
  expect(compilePatternLeaf('🦊'.repeat(128))).not.toThrow()
  expect(compilePatternLeaf('🦊'.repeat(128) + 'x')).toThrow('1 to 256')
})

test('two leaves on one attribute read it as they need it, in each run anew', () => {
  const attributes = new Map()
  const compileOn = (tested: TestedLeaf) => {
    const leaf = { attribute: 'a', ...tested }
    const scope = {
      leaf,
      attribute: attributeAt(attributes, 'a'),
      wanted: true,
      compilePattern,
      times: makeTimes(),
    }
    return operators[leaf.op](scope)
  }
  const tests = [
    compileOn({ op: 'semverGt', value: '1.9.0' }),
    compileOn({ op: 'after', value: 0 }),
    compileOn({ op: 'inCidr', values: ['1.0.0.0/8'] }),
    compileOn({ op: 'eq', value: 'X', ignoreCase: true }),
    compileOn({ op: 'eq', value: 'X' }),
  ]
  const run = makeRun()
  const outcomes = ['1.10.0', '1.2.3.4', '2000-01-01T00:00:00Z', 'x', 'X', 5, null].map((a) => {
    startRun(run, { a }, 0)
    return tests.map((leaf) => Number(leaf(run))).join('')
  })
  expect(outcomes).toEqual(['10000', '00100', '01000', '00010', '00011', '01000', '00000'])
})

test('any JSON for members and values gives true, false or a SyntaxError', () => {
  const names = Object.keys(operators)
  const member = fc.oneof(
    fc.constantFrom('1.0.0', '10.0.0.0/8', 'a', 'monday', '09:00', 0, 5),
    fc.jsonValue(),
  )
  const leaf = fc.record(
    {
      op: fc.constantFrom(...names),
      value: member,
      values: fc.array(member, { maxLength: 3 }),
      negate: fc.boolean(),
      ignoreCase: fc.oneof(fc.boolean(), member),
      zone: fc.constantFrom('UTC', 'Europe/Paris', 'x', ''),
    },
    { requiredKeys: ['op'] },
  )
  fc.assert(
    fc.property(leaf, member, (tested, value) => {
      const compiled = attempt(tested as TestedLeaf)
      if (compiled === null) return
      expect(typeof testContext(compiled, { a: value as Json })).toBe('boolean')
    }),
    { numRuns: 2_000 },
  )
})

function attempt(leaf: TestedLeaf) {
  try {
    return compile(leaf)
  } catch (error) {
    // Whatever else is thrown is what this looks for.
    expect(error).toBeInstanceOf(SyntaxError)
    return null
  }
}

function compilePatternLeaf(value: string) {
  return () => compile({ op: 'matches', value })
}

function compile(leaf: TestedLeaf) {
  return compileLeaf(leaf, compilePattern)
}

function testLeaf(leaf: TestedLeaf, value: Json): boolean {
  return testContext(compile(leaf), { a: value })
}

function expectTaken(leaf: TestedLeaf, isTaken: boolean): void {
  if (isTaken) expect(() => compile(leaf)).not.toThrow()
  else expect(() => compile(leaf)).toThrow(SyntaxError)
}
