import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareVersions, makeVersion, readVersion } from './semver.ts'

/** In order: the list of semver.org 2.0.0, section 11, with what else it says between. */
const ascending = [
  '0.0.0-0',
  '0.0.0',
  '0.0.1',
  '0.10.0',
  '1.0.0--',
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-alpha.9007199254740992',
  '1.0.0-alpha.9007199254740993',
  '1.0.0-alpha.10000000000000000000',
  '1.0.0-alpha.-1',
  '1.0.0-alpha.0a',
  '1.0.0-alpha.beta',
  '1.0.0-alpha.beta.0',
  '1.0.0-alphabet',
  '1.0.0-beta',
  '1.0.0-beta.2',
  '1.0.0-beta.11',
  '1.0.0-rc.1',
  '1.0.0',
  '1.0.1-rc',
  '1.0.9',
  '1.0.10',
  '1.2.0',
  '1.10.0',
  '2.0.0',
  '10.0.0',
  '9007199254740990.0.0',
  '9007199254740991.0.0-9',
  '9007199254740991.0.0',
]

test('versions follow the precedence of semver.org', () => {
  for (const [i, a] of ascending.entries()) {
    for (const [j, b] of ascending.entries()) {
      expect(Math.sign(compareVersions(version(a), version(b))), `${a} and ${b}`).toBe(Math.sign(i - j))
    }
  }
})

test('build metadata, a leading v and missing numbers do not count', () => {
  const rows = [
    ['1.2.3+a', '1.2.3+b'],
    ['1.2.3', '1.2.3+001.-'],
    ['1.2.3-rc.1+x', '1.2.3-rc.1'],
    ['v1.2.3', 'V1.2.3'],
    ['2.4', '2.4.0'],
    ['2', '2.0.0'],
    ['2-rc.1', '2.0.0-rc.1'],
    ['2.4-rc+x', '2.4.0-rc'],
  ] as const
  for (const [a, b] of rows) expect(compareVersions(version(a), version(b)), `${a} and ${b}`).toBe(0)
})

test.each([
  ['no text', ''],
  ['v alone', 'v'],
  ['two v', 'vv1.0.0'],
  ['a word', 'latest'],
  ['four numbers', '1.2.3.4'],
  ['a leading zero', '01.2.3'],
  ['a leading zero in the patch', '1.2.03'],
  ['a leading zero in a prerelease', '1.2.3-rc.01'],
  ['an empty prerelease', '1.2.3-'],
  ['an empty identifier', '1.2.3-a..b'],
  ['an empty last identifier', '1.2.3-a.'],
  ['empty build metadata', '1.2.3+'],
  ['two parts of build metadata', '1.2.3+a+b'],
  ['a letter that is not ASCII', '1.2.3-é'],
  ['an underscore', '1.2.3-a_b'],
  ['a missing minor', '1..3'],
  ['a missing major', '.1.2'],
  ['a point at the end', '1.2.'],
  ['a blank', '1.2.3 '],
  ['a sign', '+1.2.3'],
  ['a number that is not exact', '9007199254740992.0.0'],
  ['a number of 400 digits', `1.${'9'.repeat(400)}.0`],
])('%s is no version', (_, text) => {
  expect(version(text).isValid).toBe(false)
})

test('a leading zero is fine in identifiers that are no numbers, and in build metadata', () => {
  expect(version('1.2.3-0a.0-1.-01+001').isValid).toBe(true)
})

test('a version that is read again forgets what it was', () => {
  const reused = version('1.2.3-rc.1')
  readVersion(reused, 'x')
  expect(reused.isValid).toBe(false)
  readVersion(reused, '2')
  expect(compareVersions(reused, version('2.0.0'))).toBe(0)
})

test('the order of versions is total: transitive, and contrary the other way round', () => {
  const identifier = fc.constantFrom('0', '1', '10', 'a', 'A', 'a-', '-1', '0a')
  const text = fc
    .record({
      numbers: fc.array(fc.nat(2), { minLength: 3, maxLength: 3 }),
      tail: fc.array(identifier, { maxLength: 3 }),
    })
    .map(({ numbers, tail }) => numbers.join('.') + (tail.length > 0 ? `-${tail.join('.')}` : ''))
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      const [first, second, third] = [a, b, c].map(version).toSorted(compareVersions)
      if (!first || !second || !third) throw new Error('three versions have been sorted')
      expect(compareVersions(first, third)).toBeLessThanOrEqual(0)
      expect(Math.sign(compareVersions(first, second)) + Math.sign(compareVersions(second, first))).toBe(0)
      expect(compareVersions(version(a), version(b)) === 0).toBe(a === b)
    }),
  )
})

function version(text: string) {
  const read = makeVersion()
  readVersion(read, text)
  return read
}
