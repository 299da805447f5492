/** Case folding that never changes: texts with the same folding are the same but for the case of their letters. */
import { foldingRanges } from './folding-table.ts'

const numbersARun = 4
const asciiMax = 0x7f
const capitalA = 0x41
const capitalZ = 0x5a

/**
 * The text with each character replaced by its simple case folding (Unicode CaseFolding.txt, statuses C and S, of the
 * version that `folding-table.ts` names). It depends on no locale and no version of the machine. One character folds
 * to one of the same length: `ß` is not `ss`, and `İ` and `ı` are only themselves. Lone surrogates stay.
 */
export function fold(text: string): string {
  const kind = kindOf(text)
  if (kind === 'folded') return text
  // On ASCII alone it is the same, and does not depend on the version of Unicode.
  return kind === 'ascii' ? text.toLowerCase() : foldLetters(text)
}

/** `folded`: ASCII that has no capitals. */
function kindOf(text: string): 'folded' | 'ascii' | 'other' {
  let kind: 'folded' | 'ascii' = 'folded'
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > asciiMax) return 'other'
    if (unit >= capitalA && unit <= capitalZ) kind = 'ascii'
  }
  return kind
}

function foldLetters(text: string): string {
  let folded = ''
  for (const letter of text) folded += String.fromCodePoint(foldPoint(letter.codePointAt(0) ?? 0))
  return folded
}

/** Looks for the last run that begins at or before the code point. */
function foldPoint(point: number): number {
  let low = 0
  let high = foldingRanges.length / numbersARun
  while (low < high) {
    const middle = (low + high) >>> 1
    if (at(middle, 0) <= point) low = middle + 1
    else high = middle
  }
  const run = low - 1
  const isInRun = run >= 0 && point <= at(run, 1) && (point - at(run, 0)) % at(run, 3) === 0
  return isInRun ? point + at(run, 2) : point
}

function at(run: number, offset: number): number {
  return foldingRanges[run * numbersARun + offset] ?? 0
}
