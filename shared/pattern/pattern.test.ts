import { expect, test } from 'vitest'
import { compilePattern, patternSizeMax } from './pattern.ts'

test.each([
  ['b+', 'abbc', true],
  ['^b+', 'abbc', false],
  ['a$', 'a\n', false],
  ['(?m)a$', 'a\nb', true],
  ['a.c', 'a\nc', false],
  ['(?s)a.c', 'a\nc', true],
  ['^.$', '🦊', true],
  ['^..$', '🦊', false],
  ['(?i)straße', 'STRAẞE', true],
  ['(?i)k', '\u212a', true],
  ['\\bcaf\\b', 'café', true],
  ['^\\d+$', '١', false],
  ['\\p{Greek}', 'λ', true],
  ['\\pN', 'Ⅷ', true],
  ['[[:alpha:]]', '1', false],
  ['\\x{1F98A}', '🦊', true],
  ['\\Qa.b\\E', 'a.b', true],
  ['\\Qa.b\\E', 'axb', false],
  ['(?P<name>a)(?<other>b)', 'ab', true],
  ['a{2,3}?', 'aa', true],
  ['', 'x', true],
  ['x', '', false],
])('%s in %j: %s', (pattern, text, expected) => {
  expect(compilePattern(pattern)(text)).toBe(expected)
})

test.each([
  '(',
  ')',
  '[',
  'a**',
  '*',
  '\\',
  '\\1',
  '(a)\\1',
  '(?=a)',
  '(?!a)',
  '(?<=a)b',
  '(?<!a)b',
  '(?>a)',
  '\\p{Foo}',
  'a{1001}',
  '[b-a]',
  '\\Z',
  '(?x)a',
])('"%s" is no RE2 pattern', (pattern) => {
  expect(() => compilePattern(pattern)).toThrow(SyntaxError)
  expect(() => compilePattern(pattern)).toThrow(`"${pattern}" is no RE2 pattern: `)
})

test('nested repetition over 100,000 characters is searched in linear time, not for ever', () => {
  const long = 'a'.repeat(100_000)
  for (const pattern of ['^(a+)+$', '^(a|aa)+$', '^(a*)*b$', '(x+x+)+y']) {
    expect(compilePattern(pattern)(`${long}!`), pattern).toBe(false)
  }
  expect(compilePattern('^(a+)+$')(long)).toBe(true)
})

test('counted repetition may not make a pattern larger than the limit, which the error names', () => {
  for (const pattern of ['((a{1,9}){1,9}){1,9}', '\\pL{200}', '(.{1,30}){1,30}x', '[ab]*a[ab]{130}$']) {
    expect(() => compilePattern(pattern), pattern).toThrow(SyntaxError)
    expect(() => compilePattern(pattern), pattern).toThrow(`and ${patternSizeMax} are allowed`)
  }
  expect(() => compilePattern('[ab]*a[ab]{100}$')).not.toThrow()
})

test('a pattern of any 256 characters without counted repetition is taken', () => {
  const patterns = [
    'a'.repeat(256),
    '.'.repeat(256),
    'a?'.repeat(128),
    `(${'ab|'.repeat(84)}x)`,
    '[a-z]'.repeat(51),
  ]
  for (const pattern of patterns) expect(() => compilePattern(pattern), pattern).not.toThrow()
})

test('a search that overruns its cache of states is still right', () => {
  // Which of the last 13 letters were a: 8,192 states, far more than fit.
  const search = compilePattern('a[ab]{12}$')
  const letters = Array.from({ length: 2_048 }, (_, index) =>
    Math.imul(index, 0x9e3779b1) >>> 31 ? 'a' : 'b',
  )
  for (let end = 13; end <= letters.length; end += 7) {
    expect(search(letters.slice(0, end).join(''))).toBe(letters[end - 13] === 'a')
  }
})
