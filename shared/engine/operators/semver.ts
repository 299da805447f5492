/** Versions after semver.org 2.0.0: their form and their order. */
import { dash, dot, isDigit, letterCaseBit, plus, zero } from './ascii.ts'

/** A version that is read in place, again and again. `text` from `start` to `end` is its prerelease part. */
export interface Version {
  isValid: boolean
  major: number
  minor: number
  patch: number
  text: string
  start: number
  end: number
}

const smallV = 0x76
const capitalV = 0x56
const smallA = 0x61
const smallZ = 0x7a

export function makeVersion(): Version {
  return { isValid: false, major: 0, minor: 0, patch: 0, text: '', start: 0, end: 0 }
}

/**
 * Reads a version into `version`, which is not valid if the text is none. Beyond semver.org, for both sides of a
 * comparison: a `v` or `V` may come first, and minor and patch may be missing, which are then 0 (`v2.4` is `2.4.0`,
 * `2-beta` is `2.0.0-beta`). Numbers go up to Number.MAX_SAFE_INTEGER, without leading zeros; those of a prerelease
 * may be longer. Build metadata must be well-formed, and is nothing else.
 */
export function readVersion(version: Version, text: string): void {
  const first = text.charCodeAt(0)
  version.text = text
  // While a version is read, `end` is how far.
  version.end = first === smallV || first === capitalV ? 1 : 0
  version.major = takeNumber(version)
  version.minor = takeDot(version) ? takeNumber(version) : 0
  version.patch = takeDot(version) ? takeNumber(version) : 0
  version.start = version.end
  const isNumbered = version.major >= 0 && version.minor >= 0 && version.patch >= 0
  version.isValid = isNumbered && (version.end === text.length || takeRest(version))
}

/** Below, equal to or above 0 as `a` comes before, with or after `b`. semver.org 2.0.0, section 11. */
export function compareVersions(a: Version, b: Version): number {
  if (a.major !== b.major) return a.major - b.major
  if (a.minor !== b.minor) return a.minor - b.minor
  if (a.patch !== b.patch) return a.patch - b.patch
  if (!isPrerelease(a)) return isPrerelease(b) ? 1 : 0
  return isPrerelease(b) ? comparePrereleases(a, b) : -1
}

export function isPrerelease(version: Version): boolean {
  return version.start < version.end
}

/** Takes a number; -1 if there are no digits, a needless 0 comes first, or it is not exact. */
function takeNumber(version: Version): number {
  const { text, end: start } = version
  let at = start
  let value = 0
  // The bound is asked for first, because what lies behind the text is NaN, and makes all of it slow.
  for (; at < text.length; at++) {
    const digit = text.charCodeAt(at) - zero
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
  }
  version.end = at
  if (at === start || (at > start + 1 && text.charCodeAt(start) === zero)) return -1
  return value <= Number.MAX_SAFE_INTEGER ? value : -1
}

function takeDot(version: Version): boolean {
  const { text, end } = version
  if (end >= text.length || text.charCodeAt(end) !== dot) return false
  version.end = end + 1
  return true
}

/** Takes the prerelease and the build metadata, and says whether they are all that is left and in order. */
function takeRest(version: Version): boolean {
  const { text, start } = version
  if (text.charCodeAt(start) === dash) {
    version.start = start + 1
    version.end = endOfIdentifiers(text, start + 1, true)
  }
  const { end } = version
  if (end === -1) return false
  return (text.charCodeAt(end) === plus ? endOfIdentifiers(text, end + 1, false) : end) === text.length
}

/** The end of identifiers joined by dots; -1 if one is empty, or a number of a prerelease begins with 0. */
function endOfIdentifiers(text: string, from: number, isStrict: boolean): number {
  let start = from
  for (;;) {
    const end = endOfIdentifier(text, start)
    if (end === start) return -1
    const isPadded = text.charCodeAt(start) === zero && end - start > 1
    if (isStrict && isPadded && endOfNumber(text, start) === end) return -1
    if (text.charCodeAt(end) !== dot) return end
    start = end + 1
  }
}

function endOfIdentifier(text: string, start: number): number {
  let end = start
  while (isIdentifierUnit(text.charCodeAt(end))) end += 1
  return end
}

function isIdentifierUnit(unit: number): boolean {
  const small = unit | letterCaseBit
  return isDigit(unit) || unit === dash || (small >= smallA && small <= smallZ)
}

function endOfNumber(text: string, start: number): number {
  let end = start
  while (isDigit(text.charCodeAt(end))) end += 1
  return end
}

/** Identifier by identifier: if all are equal, the one with more of them comes later. */
function comparePrereleases(a: Version, b: Version): number {
  let atA = a.start
  let atB = b.start
  while (atA < a.end && atB < b.end) {
    const order = compareIdentifiers(a.text, atA, b.text, atB)
    if (order !== 0) return order
    atA = endOfIdentifier(a.text, atA) + 1
    atB = endOfIdentifier(b.text, atB) + 1
  }
  return a.end - atA - (b.end - atB)
}

/** Numbers by their value, before texts, which go by code unit. */
function compareIdentifiers(a: string, atA: number, b: string, atB: number): number {
  const lengthA = endOfIdentifier(a, atA) - atA
  const lengthB = endOfIdentifier(b, atB) - atB
  const isNumberA = endOfNumber(a, atA) === atA + lengthA
  const isNumberB = endOfNumber(b, atB) === atB + lengthB
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1
  // Without leading zeros the longer number is the larger.
  if (isNumberA && lengthA !== lengthB) return lengthA - lengthB
  for (let i = 0; i < lengthA && i < lengthB; i++) {
    const order = a.charCodeAt(atA + i) - b.charCodeAt(atB + i)
    if (order !== 0) return order
  }
  return lengthA - lengthB
}
