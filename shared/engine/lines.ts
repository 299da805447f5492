/** The lines of a body in order, so that one is found by halving and nothing is made of the others. */

export type LineKind = 'flag' | 'segment' | 'layer'

export interface KeyedLine {
  readonly key: string
  readonly line: string
  /** Several lines claim the key: which of them holds, nobody can say. */
  readonly isRepeated: boolean
}

/** Splits a body. A compiler has sorted it already, which the sort sees in one pass. */
export function splitBody(body: string): readonly string[] {
  // Without a comparison function, sort goes by code unit. The list is nobody else's yet.
  // oxlint-disable-next-line unicorn/no-array-sort
  return body.split('\n').sort()
}

/** The line of that kind and key; undefined if there is none. A line without JSON is all key. */
export function findLine(lines: readonly string[], kind: LineKind, key: string): KeyedLine | undefined {
  const bare = `${kind}\t${key}`
  const prefix = `${bare}\t`
  const start = firstFrom(lines, prefix)
  const end = endOf(lines, start, prefix)
  const hasBare = lines[firstFrom(lines, bare)] === bare
  const line = end > start ? lines[start] : hasBare ? bare : undefined
  // A key holds no tab: one that does would name a part of another line's JSON.
  if (line === undefined || key.includes('\t')) return undefined
  return { key, line, isRepeated: end - start + Number(hasBare) > 1 }
}

/** The lines of a kind in order, of each key one. */
export function linesOf(lines: readonly string[], kind: LineKind): KeyedLine[] {
  const found = new Map<string, KeyedLine>()
  const prefix = `${kind}\t`
  const start = firstFrom(lines, prefix)
  for (const line of lines.slice(start, endOf(lines, start, prefix))) {
    const key = keyOf(line, prefix.length)
    found.set(key, { key, line, isRepeated: found.has(key) })
  }
  return [...found.values()]
}

/** What follows kind and key in a line. */
export function jsonOf(kind: LineKind, key: string, line: string): string {
  return line.slice(kind.length + 1 + key.length + 1)
}

/** The index of the first line that does not come before a text. */
function firstFrom(lines: readonly string[], text: string): number {
  let low = 0
  let high = lines.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((lines[middle] ?? '') < text) low = middle + 1
    else high = middle
  }
  return low
}

/** The index after the lines that begin with a prefix, of which the first is at `start`. */
function endOf(lines: readonly string[], start: number, prefix: string): number {
  for (let end = start; ; end++) if (!lines[end]?.startsWith(prefix)) return end
}

function keyOf(line: string, start: number): string {
  const tab = line.indexOf('\t', start)
  return line.slice(start, tab === -1 ? line.length : tab)
}
