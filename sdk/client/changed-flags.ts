import { nameOf } from '@halyard/shared/protocol/delta.ts'

/** As the compiler writes references: `"segment":"vip"`, `"flag":"theme"`, `"layer":{"key":"checkout"`. */
const references = /"(flag|segment)":("(?:[^"\\]|\\.)*")|"(layer)":\{"key":("(?:[^"\\]|\\.)*")/g
const flagMark = 'flag\t'

/**
 * The keys of the flags whose answers may differ between two versions, in order: those whose lines differ, and those
 * that refer to what differs, over however many steps. Both are the sorted lines of a body. Nothing is parsed: a line
 * that holds the name of another counts as referring to it, so that a flag may be named that did not change.
 */
export function changedFlags(before: readonly string[], after: readonly string[]): readonly string[] {
  return flagsReaching(after, changedNames(before, after))
}

/** The keys of the flags among these names (`kind TAB key`), and of those that refer to them, in order. */
export function flagsReaching(lines: readonly string[], names: Iterable<string>): readonly string[] {
  const referrers = referrersIn(lines)
  const reached = new Set(names)
  // A set may grow while it is walked over: what is added is walked to.
  for (const name of reached) {
    const [kind = '', key = ''] = name.split('\t')
    for (const referrer of referrers.get(kind + JSON.stringify(key)) ?? []) reached.add(referrer)
  }
  return [...reached]
    .filter((name) => name.startsWith(flagMark))
    .map((name) => name.slice(flagMark.length))
    .toSorted()
}

/** The names (`kind TAB key`) of lines that are in one list alone: all but few are the same in both. */
function changedNames(before: readonly string[], after: readonly string[]): Set<string> {
  const changed = new Set<string>()
  let [old, next] = [0, 0]
  while (old < before.length || next < after.length) {
    const [a, b] = [before[old], after[next]]
    if (a === b) {
      old += 1
      next += 1
    } else if (b === undefined || (a !== undefined && a < b)) {
      changed.add(nameOf(a ?? ''))
      old += 1
    } else {
      changed.add(nameOf(b))
      next += 1
    }
  }
  return changed
}

/** The names of the lines that refer to each, by its kind and its key as JSON. */
function referrersIn(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const referrers = new Map<string, string[]>()
  for (const line of lines) {
    for (const [, kind = 'layer', key, , layer] of line.matchAll(references)) {
      const referred = `${kind}${key ?? layer}`
      const known = referrers.get(referred)
      if (known) known.push(nameOf(line))
      else referrers.set(referred, [nameOf(line)])
    }
  }
  return referrers
}
