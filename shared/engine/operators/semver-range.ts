/** Ranges of versions, in the syntax and with the meaning of npm: github.com/npm/node-semver, "Ranges". */
import { compareVersions, isPrerelease, makeVersion, readVersion, type Version } from './semver.ts'
import { refuse } from '../shape.ts'

/** One of these holds. */
export type VersionRange = readonly ComparatorSet[]

/** All of these hold. */
type ComparatorSet = readonly Comparator[]

/** Whether it holds for versions below, equal to and above `version`. */
interface Comparator {
  readonly version: Version
  readonly below: boolean
  readonly same: boolean
  readonly above: boolean
}

/** A version whose last numbers may be missing or wildcards: `known` are the others, `version` has 0 for these. */
interface Partial {
  readonly known: readonly number[]
  readonly version: Version
}

const partialForm = /^[vV]?(\d+|[xX*])(?:\.(\d+|[xX*])(?:\.(\d+|[xX*])([-+][0-9A-Za-z.+-]+)?)?)?$/
/** The prerelease that comes before all others. */
const lowest = { text: '0', start: 0, end: 1 } as const

/**
 * Parses a range: alternatives joined by `||`, each a list of comparators joined by blanks (`>=1.2.0 <2`), or two ends
 * (`1.2 - 2.3`). A comparator is a version, or `^`, `~`, `<`, `<=`, `>`, `>=`, `=` and a version, of which the last
 * parts may be missing, `x`, `X` or `*`. Throws a SyntaxError on anything else, an empty alternative included.
 */
export function parseRange(text: string): VersionRange {
  return text.split('||').map((alternative) => {
    const trimmed = alternative.trim()
    if (trimmed === '') refuse(`"${text}" is no range of versions: an alternative is empty`)
    const [from, to, ...further] = trimmed.split(/\s+-\s+/)
    if (from === undefined || to === undefined) return parseComparators(trimmed)
    if (further.length > 0) refuse(`"${text}" is no range of versions`)
    return [...compileComparator('>=', parsePartial(from)), ...compileComparator('<=', parsePartial(to))]
  })
}

/**
 * Whether a version is in a range. A prerelease is only in a set of comparators one of which is a prerelease of the
 * same major, minor and patch: `>=1.2.3-beta.1` holds 1.2.3-beta.2, but neither it nor `*` holds 1.3.0-beta.
 */
export function isInRange(version: Version, range: VersionRange): boolean {
  for (const set of range) if (holds(set, version)) return true
  return false
}

function holds(set: ComparatorSet, version: Version): boolean {
  let isNamed = !isPrerelease(version)
  for (const comparator of set) {
    const order = compareVersions(version, comparator.version)
    if (!(order < 0 ? comparator.below : order > 0 ? comparator.above : comparator.same)) return false
    isNamed ||= isPrerelease(comparator.version) && hasSameNumbers(version, comparator.version)
  }
  return isNamed
}

function hasSameNumbers(a: Version, b: Version): boolean {
  return a.major === b.major && a.minor === b.minor && a.patch === b.patch
}

function parseComparators(text: string): Comparator[] {
  // A blank may stand between an operator and its version.
  const words = text.replaceAll(/([\^~<>=])\s+/g, '$1').split(/\s+/)
  return words.flatMap((word) => {
    const operator = /^(?:\^|~|[<>]?=?)/.exec(word)?.[0] ?? ''
    return compileComparator(operator, parsePartial(word.slice(operator.length)))
  })
}

function compileComparator(operator: string, partial: Partial): Comparator[] {
  const { version, known } = partial
  const isWhole = known.length === 3
  // A wildcard alone is any version, and none is before or after them all.
  if (known.length === 0) return operator === '<' || operator === '>' ? [never(version)] : []
  switch (operator) {
    case '^':
      return [atLeast(version), before(next(known.slice(0, firstNonZero(known) + 1)))]
    case '~':
      return [atLeast(version), before(next(known.slice(0, 2)))]
    case '>':
      return [isWhole ? after(version) : atLeast({ ...next(known), end: 0 })]
    case '<':
      return [before(isWhole ? version : { ...version, ...lowest })]
    case '>=':
      return [atLeast(version)]
    case '<=':
      return [isWhole ? atMost(version) : before(next(known))]
    default:
      return isWhole ? [exactly(version)] : [atLeast(version), before(next(known))]
  }
}

function parsePartial(text: string): Partial {
  const [, major = '', minor, patch, rest = ''] = partialForm.exec(text) ?? refuse(`"${text}" is no version`)
  const parts = [major, minor ?? 'x', patch ?? 'x']
  const wildcard = parts.findIndex((part) => /^[xX*]$/.test(part))
  const known = wildcard === -1 ? parts : parts.slice(0, wildcard)
  const version = makeVersion()
  // Without a number there is nothing to read, and with a wildcard the prerelease says nothing.
  readVersion(version, known.length === 3 ? known.join('.') + rest : known.join('.') || '0')
  if (!version.isValid) refuse(`"${text}" is no version`)
  return { version, known: known.map(Number) }
}

function firstNonZero(known: readonly number[]): number {
  const index = known.findIndex((part) => part !== 0)
  return index === -1 ? known.length - 1 : index
}

/** What comes right after all versions that begin with these numbers, prereleases of the next one included. */
function next(known: readonly number[]): Version {
  const [major = 0, minor = 0, patch = 0] = known.with(known.length - 1, (known.at(-1) ?? 0) + 1)
  return { isValid: true, major, minor, patch, ...lowest }
}

function atLeast(version: Version): Comparator {
  return { version, below: false, same: true, above: true }
}

function atMost(version: Version): Comparator {
  return { version, below: true, same: true, above: false }
}

function before(version: Version): Comparator {
  return { version, below: true, same: false, above: false }
}

function after(version: Version): Comparator {
  return { version, below: false, same: false, above: true }
}

function exactly(version: Version): Comparator {
  return { version, below: false, same: true, above: false }
}

function never(version: Version): Comparator {
  return { version, below: false, same: false, above: false }
}
