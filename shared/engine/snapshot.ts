/**
 * A snapshot: what evaluation needs of one environment. Its body is text, one line an item, `kind TAB key TAB JSON`,
 * sorted by code unit. Loading only splits lines; a line's JSON is parsed and compiled when it is first needed.
 */
import type { Answer } from './answer.ts'
import { makeRun, type Run } from './attribute.ts'
import { openBlob, type Blob } from './blob.ts'
import { decide, type CompiledFlag } from './flag.ts'
import { compileLayer, type CompiledLayer } from './layer.ts'
import { linkFlag, linkSegment } from './linker.ts'
import type { CompilePattern } from './operators/operators.ts'
import { testSegment, type CompiledSegment } from './segment.ts'
import type { FlagEntry, Membership, SegmentEntry, World } from './world.ts'

/** Immutable to its users; the members that change hold work that is done at most once. */
export interface Snapshot {
  readonly flags: ReadonlyMap<string, FlagEntry>
  /** The same, in the order of the body. */
  readonly entries: readonly FlagEntry[]
  readonly segments: ReadonlyMap<string, SegmentEntry>
  readonly world: World
  readonly run: Run
  readonly blobs: Map<string, Blob>
  /** The entries that class client may see, once they are known. */
  clientEntries: readonly FlagEntry[] | null
  /** Whether any segment has members in a blob, once that is known. */
  hasMembers: boolean | null
}

export interface LoadOptions {
  /** Compiles patterns of the operator `matches`; without it such a leaf is its flag's PARSE_ERROR. */
  readonly compilePattern?: CompilePattern
}

interface Lines {
  readonly flags: Map<string, FlagEntry>
  readonly segments: Map<string, SegmentEntry>
  /** Null for a key that several lines claim. */
  readonly layers: Map<string, string | null>
}

const prefixes = { flag: 'flag\t', segment: 'segment\t', layer: 'layer\t' } as const

/**
 * Loads a body. Never throws: a line it cannot read is that flag's PARSE_ERROR, and kinds that it does not know are
 * passed over.
 */
export function loadSnapshot(body: string, { compilePattern }: LoadOptions = {}): Snapshot {
  const lines: Lines = { flags: new Map(), segments: new Map(), layers: new Map() }
  for (const line of body.split('\n')) addLine(lines, line)
  const { flags, segments } = lines
  const blobs = new Map<string, Blob>()
  const world = makeWorld(lines, blobs, compilePattern ?? null)
  return {
    flags,
    entries: [...flags.values()],
    segments,
    world,
    run: makeRun(),
    blobs,
    clientEntries: null,
    hasMembers: null,
  }
}

/** The keys of all flags, or of those that class client may see, in the order of the body. */
export function flagKeys(snapshot: Snapshot, options: { clientOnly?: boolean } = {}): readonly string[] {
  return entriesFor(snapshot, options.clientOnly === true).map((entry) => entry.key)
}

/**
 * Gives a snapshot the members of large segments: a blob (see `blob.ts`) under its SHA-256, which the caller has
 * checked. False if the bytes are no blob.
 */
export function addBlob(snapshot: Snapshot, hash: string, bytes: Uint8Array): boolean {
  const blob = openBlob(bytes)
  if (!blob) return false
  snapshot.blobs.set(hash, blob)
  return true
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
export function compiledFlag({ world }: Snapshot, entry: FlagEntry): CompiledFlag {
  return entry.compiled ?? linkFlag(world, entry)
}

/** The compiled segment of an entry. */
export function compiledSegment({ world }: Snapshot, entry: SegmentEntry): CompiledSegment {
  return entry.compiled ?? linkSegment(world, entry)
}

/** The flags that bulk evaluation answers for. */
export function entriesFor(snapshot: Snapshot, clientOnly: boolean): readonly FlagEntry[] {
  if (!clientOnly) return snapshot.entries
  return (snapshot.clientEntries ??= snapshot.entries.filter(
    (entry) => compiledFlag(snapshot, entry).clientVisible,
  ))
}

function addLine(lines: Lines, line: string): void {
  if (line.startsWith(prefixes.flag)) {
    const key = keyOf(line, prefixes.flag)
    const known = lines.flags.get(key)
    if (known) known.isRepeated = true
    else lines.flags.set(key, makeFlagEntry(key, line))
  } else if (line.startsWith(prefixes.segment)) {
    const key = keyOf(line, prefixes.segment)
    const known = lines.segments.get(key)
    if (known) known.isRepeated = true
    else lines.segments.set(key, makeSegmentEntry(key, line))
  } else if (line.startsWith(prefixes.layer)) {
    const key = keyOf(line, prefixes.layer)
    lines.layers.set(key, lines.layers.has(key) ? null : line)
  }
}

/** A line without JSON is all key, and unreadable. */
function keyOf(line: string, prefix: string): string {
  const tab = line.indexOf('\t', prefix.length)
  return line.slice(prefix.length, tab === -1 ? line.length : tab)
}

function makeFlagEntry(key: string, line: string): FlagEntry {
  return { kind: 'flag', key, line, isRepeated: false, compiled: null, answer: null, answerRunId: 0 }
}

function makeSegmentEntry(key: string, line: string): SegmentEntry {
  return {
    kind: 'segment',
    key,
    line,
    isRepeated: false,
    compiled: null,
    membership: null,
    membershipRunId: 0,
  }
}

function makeWorld(lines: Lines, blobs: World['blobs'], compilePattern: CompilePattern | null): World {
  const layers = new Map<string, CompiledLayer>()
  const world: World = {
    attributes: new Map(),
    compilePattern,
    blobs,
    findFlag: (key) => lines.flags.get(key),
    findSegment: (key) => lines.segments.get(key),
    findLayer: (key) => {
      const line = lines.layers.get(key)
      if (typeof line !== 'string' || layers.has(key)) return layers.get(key)
      const layer = compileLayer(line.slice(prefixes.layer.length + key.length + 1))
      layers.set(key, layer)
      return layer
    },
    decideFlag: (entry, run) => decideReferred(entry, run, world),
    testSegment: (entry, run) => testReferred(entry, run, world),
  }
  return world
}

/** A flag that many refer to is decided once a run. */
function decideReferred(entry: FlagEntry, run: Run, world: World): Answer {
  if (entry.answer !== null && entry.answerRunId === run.id) return entry.answer
  entry.answer = decide(entry.compiled ?? linkFlag(world, entry), run, world)
  entry.answerRunId = run.id
  return entry.answer
}

function testReferred(entry: SegmentEntry, run: Run, world: World): Membership {
  if (entry.membership !== null && entry.membershipRunId === run.id) return entry.membership
  entry.membership = testSegment(entry.compiled ?? linkSegment(world, entry), run)
  entry.membershipRunId = run.id
  return entry.membership
}
