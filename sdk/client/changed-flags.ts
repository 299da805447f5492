import { nameOf } from '@halyard/shared/protocol/delta.ts'

/** Beyond so many changed names all flags that refer to anything count as reaching one: looking each up would take longer. */
const namesMax = 32
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
  const reached = new Set(names)
  let wave: readonly string[] = [...reached]
  while (wave.length > 0) {
    const refers = wave.length > namesMax ? refersToAny : makeMention(wave)
    wave = lines
      .filter(refers)
      .map(nameOf)
      .filter((name) => !reached.has(name))
    for (const name of wave) reached.add(name)
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

/** As the compiler writes references: `"segment":"vip"`, `"flag":"theme"`, `"layer":{"key":"checkout"`. */
function makeMention(names: readonly string[]): (line: string) => boolean {
  const marks = names.map((name) => {
    const [kind = '', key = ''] = name.split('\t')
    return kind === 'layer' ? `"layer":{"key":${JSON.stringify(key)}` : `"${kind}":${JSON.stringify(key)}`
  })
  return (line) => marks.some((mark) => line.includes(mark))
}

function refersToAny(line: string): boolean {
  return line.includes('"flag":"') || line.includes('"segment":"') || line.includes('"layer":{')
}
