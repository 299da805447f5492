/** What a pattern costs, as far as its text tells before it is compiled. Pure. */

const anyFold = [0x41, 0x1e943] as const // the first and the last code point that has another case
const classCost = 8
const foldedPerInstruction = 256
/** Above it a count is no RE2, which the compiler says better. */
const countMax = 1_000

const character = String.raw`\\x\{[0-9A-Fa-f]+\}|\\x[0-9A-Fa-f]{2}|\\[0-7]{1,3}|\\[pP]\{[^}]*\}|\\[pP][^{]|\\.`
const classItem = String.raw`\[:\^?\w+:\]|${character}|[^\\\]]`
const token = new RegExp(
  [
    String.raw`(?<quoted>\\Q(?:(?!\\E).)*(?:\\E)?)`,
    String.raw`(?<empty>\\[bBAzE]|[\^$]|\(\?[A-Za-z-]*\))`,
    String.raw`(?<open>\((?:\?(?:P?<[^>]*>|[A-Za-z-]*:))?)`,
    String.raw`(?<close>\))`,
    String.raw`(?<or>\|)`,
    String.raw`(?<count>\{\d+(?:,\d*)?\}\??)`,
    String.raw`(?<often>[*+?])`,
    String.raw`\[\^?\]?(?:${classItem})*\]|${character}|.`,
  ].join('|'),
  'gsu',
)
const range = new RegExp(`(?<from>${character}|[^\\\\])-(?<to>${character}|[^\\\\\\]])`, 'gsu')

/**
 * The least number of instructions that a pattern compiles to, found in one pass over its text: 0 if it holds no
 * counted repetition that says so. It may be above the true number only for a pattern that can match nothing.
 */
export function leastInstructions(pattern: string): number {
  const outer: Level[] = []
  let level = newLevel()
  for (const { groups = {} } of pattern.matchAll(token)) {
    if (groups['open'] !== undefined) {
      outer.push(level)
      level = newLevel()
    } else if (groups['close'] !== undefined) {
      const inner = sizeOf(level)
      level = outer.pop() ?? newLevel()
      add(level, inner)
    } else if (groups['or'] !== undefined) level = { ...newLevel(), longest: sizeOf(level) }
    else if (groups['count'] !== undefined) level.last *= copiesOf(groups['count'])
    else if (groups['often'] === undefined) add(level, groups['empty'] === undefined ? 1 : 0)
  }
  return outer.reduce((sum, open) => sum + sizeOf(open), sizeOf(level))
}

/**
 * What a pattern costs beside its instructions, in as many of them: each Unicode class is put together from hundreds of
 * ranges, and where case is ignored every character of a range is looked up.
 */
export function tableCost(pattern: string): number {
  const classes = pattern.match(/\\[pP]/g)?.length ?? 0
  const folded = /\(\?[A-Za-z]*i/.test(pattern) ? foldedIn(pattern) : 0
  return classes * classCost + Math.floor(folded / foldedPerInstruction)
}

/** Where the walk is in a group: of alternatives the longest counts, because RE2 merges what they share. */
interface Level {
  longest: number
  before: number
  /** What a count would repeat. */
  last: number
}

function newLevel(): Level {
  return { longest: 0, before: 0, last: 0 }
}

function sizeOf({ longest, before, last }: Level): number {
  return Math.max(longest, before + last)
}

function add(level: Level, size: number): void {
  level.before += level.last
  level.last = size
}

/** How often `{2}`, `{2,}` or `{2,5}` writes out what it repeats. */
function copiesOf(count: string): number {
  const [least = 0, most = least] = (count.match(/\d+/g) ?? []).map(Number)
  const copies = count.includes(',}') ? Math.max(least, 1) : most
  return copies > countMax ? 1 : copies
}

function foldedIn(pattern: string): number {
  let folded = 0
  for (const { groups = {} } of pattern.matchAll(range)) {
    const from = Math.max(codeOf(groups['from'] ?? ''), anyFold[0])
    const to = Math.min(codeOf(groups['to'] ?? ''), anyFold[1])
    const isWhole = from === anyFold[0] && to === anyFold[1] // taken as it is
    if (!isWhole) folded += Math.max(0, to - from)
  }
  return folded
}

function codeOf(text: string): number {
  if (text.startsWith('\\x')) return Number.parseInt(text.replaceAll(/[\\x{}]/g, ''), 16)
  if (/^\\[0-7]/.test(text)) return Number.parseInt(text.slice(1), 8)
  return (text.startsWith('\\') ? text.codePointAt(1) : text.codePointAt(0)) ?? 0
}
