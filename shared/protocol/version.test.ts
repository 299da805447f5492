import { expect, test } from 'vitest'
import { compareVersions, formatVersion, parseVersion } from './version.ts'

test('a token is read back as it was written', () => {
  for (const at of [
    { epoch: 0, version: 0 },
    { epoch: 3, version: 41 },
    { epoch: 1, version: 999_999_999_999_999 },
  ]) {
    expect(parseVersion(formatVersion(at))).toEqual(at)
  }
})

test.each([
  '',
  '1',
  '1.',
  '.1',
  '1.2.3',
  '-1.2',
  '1.-2',
  '1e3.1',
  ' 1.2',
  '1.2 ',
  '1.2\n',
  '0x1.2',
  '1,2',
  '01.9',
  '1.09',
  '1.00',
  `1.${'9'.repeat(16)}`,
])('no token: %j', (text) => {
  expect(parseVersion(text)).toBeNull()
})

test('the epoch decides before the version', () => {
  const ordered = ['1.1', '1.2', '1.10', '2.0', '2.9', '10.1'].map(
    (token) => parseVersion(token) ?? { epoch: 0, version: 0 },
  )
  for (const [i, a] of ordered.entries()) {
    for (const [j, b] of ordered.entries()) expect(Math.sign(compareVersions(a, b))).toBe(Math.sign(i - j))
  }
})
