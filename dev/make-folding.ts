import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const tablePath = fileURLToPath(new URL('../shared/engine/operators/folding-table.ts', import.meta.url))
const codePointMax = 0x10ffff
const widthMax = 110

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(tablePath, formatTable(makeFoldingRanges()))

/**
 * The simple foldings of Unicode (CaseFolding.txt, statuses C and S), as `folding-table.ts` holds them: runs of four
 * numbers. The source is the regular expressions of this Node: with the flags `iu` they hold two characters for the
 * same if their simple foldings are (ECMAScript, "Canonicalize").
 */
export function makeFoldingRanges(): number[] {
  const pairs = foldingClasses().flatMap((members) => {
    const target = targetOf(members)
    return members.filter((member) => member !== target).map((member) => [member, target - member] as const)
  })
  return pairs.toSorted(([a], [b]) => a - b).reduce<number[]>(appendPair, [])
}

/** Every set of two or more characters that fold to the same. */
function foldingClasses(): number[][] {
  const cased = casedCodePoints()
  const text = String.fromCodePoint(...cased)
  const classes = new Map<string, number[]>()
  for (const point of cased) {
    const members = text.match(new RegExp(`\\u{${point.toString(16)}}`, 'giu')) ?? []
    if (members.length > 1) classes.set(members.join(''), members.map(codePoint))
  }
  return [...classes.values()]
}

/** All that may be in a class: whatever the flags let a set of the cased characters match. */
function casedCodePoints(): number[] {
  const cased = /[\p{Changes_When_Casemapped}\p{Changes_When_Casefolded}]/iu
  const points: number[] = []
  for (let point = 0; point <= codePointMax; point++) {
    const isSurrogate = point >= 0xd800 && point <= 0xdfff
    if (!isSurrogate && cased.test(String.fromCodePoint(point))) points.push(point)
  }
  return points
}

/**
 * What a class folds to: the member that case folding leaves alone. Where full folding, which is all that the
 * properties tell of, changes each member (`ẞ` and `ß` become `ss`), it is the small letter, and of several the last
 * that normal form C keeps.
 */
function targetOf(members: readonly number[]): number {
  const letters = members.map((member) => String.fromCodePoint(member))
  const target =
    letters.find((letter) => !/\p{Changes_When_Casefolded}/u.test(letter)) ??
    letters.findLast((letter) => /\p{Ll}/u.test(letter) && letter.normalize('NFC') === letter)
  if (target === undefined) throw new Error(`Which of ${letters.join(' ')} do the others fold to?`)
  return codePoint(target)
}

/** Adds a character and its distance to a run of the same distance and of steps of 1 or 2, or begins a run. */
function appendPair(ranges: number[], [point, distance]: readonly [number, number]): number[] {
  const [first, last, ofRun, step] = ranges.slice(-4)
  if (first !== undefined && last !== undefined && ofRun === distance) {
    const gap = point - last
    if (gap === step || (first === last && gap === 2))
      return [...ranges.slice(0, -4), first, point, distance, gap]
  }
  return [...ranges, point, point, distance, 1]
}

function formatTable(ranges: readonly number[]): string {
  const lines = ['']
  for (const item of ranges.map((number) => `${number},`)) {
    const line = lines.at(-1) ?? ''
    if (line.length + item.length + 3 <= widthMax) lines[lines.length - 1] = `${line} ${item}`.trimStart()
    else lines.push(item)
  }
  return [
    '/** Written by dev/make-folding.ts: simple case folding of the Unicode version named here. */',
    `export const foldingUnicode = '${process.versions['unicode'] ?? ''}'`,
    '',
    '/** Runs of first and last code point, what to add, and the step from one code point to the next. */',
    `export const foldingRanges: readonly number[] = [\n${lines.map((line) => `  ${line}\n`).join('')}]`,
    '',
  ].join('\n')
}

function codePoint(letter: string): number {
  return letter.codePointAt(0) ?? 0
}
