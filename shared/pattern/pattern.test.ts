import * as fc from 'fast-check'
import { RE2JS } from 're2js'
import { expect, test, vi } from 'vitest'
import { leastInstructions } from './pattern-cost.ts'
import { compilePattern, patternSize, patternSizeMax } from './pattern.ts'

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

test('a pattern whose text tells that it is too costly is never compiled', () => {
  const compile = vi.spyOn(RE2JS, 'compile')
  const wide = String.raw`(?i)[B-\x{1e942}]`
  for (const pattern of ['(\\pL{31}){31}'.repeat(17), 'a{1000}'.repeat(36), '(?:[^a]|b{9}){50}', wide]) {
    expect(() => patternSize(pattern), pattern).toThrow('are allowed')
  }
  expect(() => patternSize(`(?i)[${'ƀ-\u{1e942}'.repeat(60)}]`)).toThrow('are allowed')
  expect(() => patternSize(`(?i)[^${'\\pL'.repeat(80)}]`)).toThrow('are allowed')
  expect(compile).not.toHaveBeenCalled()
  compile.mockRestore()
  for (const pattern of ['(?i)[\u4e00-\u9fff]+', String.raw`(?i)[\x{0}-\x{10ffff}]`, '[B-\u{1e942}]{9}'])
    expect(() => patternSize(pattern), pattern).not.toThrow()
})

test('the size that the text tells is never more than what a pattern compiles to', () => {
  const atoms = [
    'a',
    '.',
    '[ab]',
    '[^]x]',
    '\\pL',
    '\\x{41}',
    '\\d',
    '^',
    '\\b',
    '()',
    '(?i)',
    '\\Qa{2}\\E',
    '',
  ]
  const counts = ['{3}', '{0,4}', '{2,}', '{0}', '{1}', '{5,7}?', '*', '+?', '?', '']
  const { pattern: tree } = fc.letrec<{ pattern: string }>((tie) => ({
    pattern: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(...atoms),
      fc.tuple(tie('pattern'), tie('pattern')).map((parts) => parts.join('')),
      fc.tuple(tie('pattern'), tie('pattern')).map((parts) => `(?:${parts.join('|')})`),
      fc
        .tuple(fc.constantFrom('(', '(?:', '(?P<n>'), tie('pattern'), fc.constantFrom(...counts))
        .map(([open, inner, count]) => `${open}${inner})${count}`),
    ),
  }))
  fc.assert(
    fc.property(tree, (pattern) => {
      const size = sizeOf(pattern)
      if (size !== null) expect(leastInstructions(pattern)).toBeLessThanOrEqual(size)
    }),
    { numRuns: 2_000 },
  )
})

/** Null if it is no pattern. */
function sizeOf(pattern: string): number | null {
  try {
    return RE2JS.compile(pattern).programSize()
  } catch {
    return null // two groups of one name, or a flag that is repeated: nothing to compare
  }
}
