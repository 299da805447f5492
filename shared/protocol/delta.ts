/**
 * Deltas between the bodies of two snapshots. A body is lines sorted by code unit, each named by its first two fields
 * (`kind TAB key`), so that a delta sets, removes and edits lines, and nothing has to be parsed on either side. An edit
 * replaces a stretch of one line: an id that joins a long list travels as that id.
 */

/** A stretch of a line: its name, where it starts, how long it is, and what takes its place; in UTF-16 units. */
export type Splice = readonly [name: string, at: number, length: number, text: string]

/** What makes one body of another. */
export interface LineChanges {
  /** Whole lines, sorted: new ones, or in the place of those that bear their names. */
  readonly set: readonly string[]
  /** The names of lines that go. */
  readonly remove: readonly string[]
  /** At most one for each line. */
  readonly splice: readonly Splice[]
}

/** A delta on a wire. It applies to exactly the body of hash `base`; the result has the hash that the head names. */
export interface Delta extends LineChanges {
  readonly signedHead: string
  readonly base: string
}

/** What the numbers and marks of a splice take on a wire, about. */
const spliceOverhead = 12

/** What leads from one body to another. Both must be bodies: sorted, each name once. */
export function changesBetween(before: string, after: string): LineChanges {
  const [old, next] = [linesOf(before), linesOf(after)]
  const set: string[] = []
  const remove: string[] = []
  const splice: Splice[] = []
  let at = 0
  for (const line of next) {
    const name = nameOf(line)
    for (; isBefore(old[at], name); at++) remove.push(nameOf(old[at] ?? ''))
    const known = old[at]
    if (known === undefined || nameOf(known) !== name) set.push(line)
    else {
      at += 1
      if (known === line) continue
      const edit = spliceBetween(name, known, line)
      if (edit) splice.push(edit)
      else set.push(line)
    }
  }
  for (; at < old.length; at++) remove.push(nameOf(old[at] ?? ''))
  return { set, remove, splice }
}

/**
 * The body that a delta makes of another, or null if it does not fit: it removes or edits a line that is not there.
 * What fits may still be wrong: the caller checks the hash of the result.
 */
export function applyChanges(body: string, { set, remove, splice }: LineChanges): string | null {
  const removed = new Set(remove)
  const edits = new Map(splice.map((edit) => [edit[0], edit]))
  const replaced = new Set(set.map(nameOf))
  const result: string[] = []
  let next = 0
  for (const line of linesOf(body)) {
    const name = nameOf(line)
    for (; next < set.length && isBefore(set[next], name); next++) result.push(set[next] ?? '')
    if (removed.delete(name) || replaced.has(name)) continue
    const edit = edits.get(name)
    edits.delete(name)
    const kept = edit ? edited(line, edit) : line
    if (kept === null) return null
    result.push(kept)
    // A line that is replaced under its own name comes in the turn of the next one.
  }
  for (; next < set.length; next++) result.push(set[next] ?? '')
  return removed.size === 0 && edits.size === 0 ? result.join('\n') : null
}

/** The name of a line: its kind and key with the tab between them. */
export function nameOf(line: string): string {
  const end = line.indexOf('\t', line.indexOf('\t') + 1)
  return end === -1 ? line : line.slice(0, end)
}

function linesOf(body: string): readonly string[] {
  return body === '' ? [] : body.split('\n')
}

/** Lines are sorted as wholes: what follows a name is a tab, which comes before whatever a longer name has there. */
function isBefore(line: string | undefined, name: string): boolean {
  return line !== undefined && nameOf(line) !== name && line < `${name}\t`
}

/** Null if setting the whole line is no longer than the edit. */
function spliceBetween(name: string, before: string, after: string): Splice | null {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && before.charCodeAt(head) === after.charCodeAt(head)) head += 1
  let tail = 0
  while (
    tail < shorter - head &&
    before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
  )
    tail += 1
  // Half a character would not survive a wire of UTF-8.
  if (head > 0 && isHighSurrogate(before, head - 1)) head -= 1
  if (tail > 0 && isLowSurrogate(before, before.length - tail)) tail -= 1
  const text = after.slice(head, after.length - tail)
  if (name.length + text.length + spliceOverhead >= after.length) return null
  return [name, head, before.length - tail - head, text]
}

function edited(line: string, [, at, length, text]: Splice): string | null {
  return at + length <= line.length ? line.slice(0, at) + text + line.slice(at + length) : null
}

function isHighSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800
}

function isLowSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00
}
