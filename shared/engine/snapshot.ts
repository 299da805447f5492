/**
 * A snapshot: what evaluation needs of one environment. Its body is text, one line an item, `kind TAB key TAB JSON`,
 * sorted by code unit. Loading only splits lines; a flag's JSON is parsed and compiled when it is first evaluated.
 */
import { makeRun, type Attributes, type Run } from './attribute.ts'
import { compileFlag, type CompiledFlag } from './flag.ts'

/** Immutable to its users; the members that change hold work that is done at most once. */
export interface Snapshot {
  readonly flags: ReadonlyMap<string, FlagEntry>
  /** The same, in the order of the body. */
  readonly entries: readonly FlagEntry[]
  readonly attributes: Attributes
  readonly run: Run
  /** The entries that class client may see, once they are known. */
  clientEntries: readonly FlagEntry[] | null
}

export interface FlagEntry {
  readonly key: string
  readonly line: string
  /** Several lines claim the key: which of them holds, nobody can say. */
  isRepeated: boolean
  compiled: CompiledFlag | null
}

const flagPrefix = 'flag\t'

/**
 * Loads a body. Never throws: a line it cannot read is that flag's PARSE_ERROR, and kinds that it does not know are
 * passed over.
 */
export function loadSnapshot(body: string): Snapshot {
  const flags = new Map<string, FlagEntry>()
  const entries: FlagEntry[] = []
  for (const line of body.split('\n')) {
    if (!line.startsWith(flagPrefix)) continue
    const key = keyOf(line)
    const known = flags.get(key)
    if (known) {
      known.isRepeated = true
      continue
    }
    const entry = { key, line, isRepeated: false, compiled: null }
    flags.set(key, entry)
    entries.push(entry)
  }
  return { flags, entries, attributes: new Map(), run: makeRun(), clientEntries: null }
}

/** The keys of all flags, or of those that class client may see, in the order of the body. */
export function flagKeys(snapshot: Snapshot, options: { clientOnly?: boolean } = {}): readonly string[] {
  return entriesFor(snapshot, options.clientOnly === true).map((entry) => entry.key)
}

/** A line of a body. `key` holds neither tab nor line break, `json` no line break (as JSON.stringify writes it). */
export function formatLine(kind: string, key: string, json: string): string {
  return `${kind}\t${key}\t${json}`
}

/** The canonical body of these lines: sorted by code unit, no line break at the end; empty if there are none. */
export function formatBody(lines: Iterable<string>): string {
  // Without a comparison function, sort goes by code unit.
  return [...lines].toSorted().join('\n')
}

/** The compiled flag of an entry. */
export function compiledFlag(snapshot: Snapshot, entry: FlagEntry): CompiledFlag {
  return (entry.compiled ??= compileEntry(snapshot, entry))
}

/** The flags that bulk evaluation answers for. */
export function entriesFor(snapshot: Snapshot, clientOnly: boolean): readonly FlagEntry[] {
  if (!clientOnly) return snapshot.entries
  return (snapshot.clientEntries ??= snapshot.entries.filter(
    (entry) => compiledFlag(snapshot, entry).clientVisible,
  ))
}

/** A line without JSON is all key, and unreadable. */
function keyOf(line: string): string {
  const tab = line.indexOf('\t', flagPrefix.length)
  return line.slice(flagPrefix.length, tab === -1 ? line.length : tab)
}

function compileEntry(snapshot: Snapshot, { key, line, isRepeated }: FlagEntry): CompiledFlag {
  const json = isRepeated ? '' : line.slice(flagPrefix.length + key.length + 1)
  return compileFlag(intern(key), json, snapshot.attributes)
}

/**
 * A key is a slice of the body, and V8 finds a slice in a Map only by comparing it character by character in slow
 * code. Having been a property's name makes it one with its interned copy, which is found by address.
 */
function intern(key: string): string {
  return Object.keys({ [key]: true })[0] ?? key
}
