import { expect, test } from 'vitest'
import { foldingRanges, foldingUnicode } from './folding-table.ts'
import { fold } from './folding.ts'

/** From CaseFolding.txt: code point, folding with statuses C and S. */
const facts: readonly (readonly [string, string, string])[] = [
  ['A', 'a', 'Latin'],
  ['Z', 'z', 'Latin'],
  ['À', 'à', 'Latin with accents'],
  ['\u00b5', '\u03bc', 'the micro sign is mu'],
  ['×', '×', 'the multiplication sign among capitals'],
  ['ß', 'ß', 'sharp s is not ss'],
  ['\u1e9e', 'ß', 'capital sharp s'],
  ['\u0130', '\u0130', 'dotted capital I folds in Turkic only'],
  ['ı', 'ı', 'dotless i'],
  ['Ÿ', 'ÿ', 'a capital far from its small letter'],
  ['ſ', 's', 'long s'],
  ['\u01c4', '\u01c6', 'capital DZ'],
  ['\u01c5', '\u01c6', 'titlecase Dz'],
  ['\u0345', '\u03b9', 'a combining iota'],
  ['Σ', 'σ', 'sigma'],
  ['ς', 'σ', 'final sigma'],
  ['\u03f4', 'θ', 'a symbol of theta'],
  ['\u1c80', 'в', 'an old form of ve'],
  ['\u10a0', '\u2d00', 'Georgian of the church'],
  ['\u1c90', '\u10d0', 'a Georgian capital'],
  ['\u13a0', '\u13a0', 'Cherokee folds to capitals'],
  ['\uab70', '\u13a0', 'small Cherokee'],
  ['\u13f8', '\u13f0', 'small Cherokee of the other block'],
  ['\u1fbc', '\u1fb3', 'alpha with iota'],
  ['\u1fd3', '\u0390', 'two ways to write iota with accents'],
  ['\u1fe3', '\u03b0', 'two ways to write upsilon with accents'],
  ['\ufb05', '\ufb06', 'two ligatures of st'],
  ['\ufb00', '\ufb00', 'the ligature ff has no simple folding'],
  ['\u2126', 'ω', 'the Ohm sign'],
  ['\u212a', 'k', 'the Kelvin sign'],
  ['\u212b', 'å', 'the Ångström sign'],
  ['Ⅷ', 'ⅷ', 'Roman numerals'],
  ['Ⓐ', 'ⓐ', 'circled letters'],
  ['Ａ', 'ａ', 'wide letters stay wide'],
  ['𐐀', '𐐨', 'Deseret, beyond 16 bits'],
  ['\u{1e921}', '\u{1e943}', 'the last letter of Adlam'],
  ['\u{1e922}', '\u{1e922}', 'the first small letter of Adlam'],
  ['漢', '漢', 'writing without cases'],
  ['🦊', '🦊', 'beyond 16 bits, without cases'],
]

test.each(facts)('%s folds to %s: %s', (letter, folding) => {
  expect(fold(letter)).toBe(folding)
  expect(fold(`a${letter}é${letter}`)).toBe(`a${folding}é${folding}`)
})

test('runs with a step leave out what lies between', () => {
  expect(fold('ĀāĂă')).toBe('āāăă')
  expect(fold('ķĸĹĺ')).toBe('ķĸĺĺ')
})

test('a text without capitals is given back, and ASCII folds like everything else', () => {
  expect(fold('')).toBe('')
  expect(fold('@[`{ aZ09')).toBe('@[`{ az09')
  for (let unit = 0; unit < 0x80; unit++) {
    const letter = String.fromCharCode(unit)
    expect(`${fold(letter)}é`, letter).toBe(fold(`${letter}é`))
  }
})

test('folding twice is folding once, and keeps the length in UTF-16 units', () => {
  for (let point = 0; point <= 0x1ffff; point++) {
    const letter = String.fromCodePoint(point)
    const folded = fold(letter)
    if (fold(folded) !== folded || folded.length !== letter.length)
      expect(folded, point.toString(16)).toBe(letter)
  }
})

test('lone surrogates stay as they are', () => {
  expect(fold('A\ud83eB\udd8aÉ')).toBe('a\ud83eb\udd8aé')
})

test('the table names its Unicode version and has 1,512 foldings, in order', () => {
  expect(foldingUnicode).toBe('17.0')
  let last = -1
  let count = 0
  for (let i = 0; i < foldingRanges.length; i += 4) {
    const [first = 0, end = 0, , step = 0] = foldingRanges.slice(i, i + 4)
    expect(first).toBeGreaterThan(last)
    count += (end - first) / step + 1
    last = end
  }
  expect(count).toBe(1_512)
})
