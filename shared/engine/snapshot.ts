/**
 * A snapshot: what evaluation needs of one environment. Its body is text, one line an item, `kind TAB key TAB JSON`,
 * sorted by code unit. Loading only splits lines; a line is looked for, parsed and compiled when it is first needed.
 */
import type { Answer } from './answer.ts'
import { makeRun, type Run } from './attribute.ts'
import { openBlob, type Blob } from './blob.ts'
import { decide, type CompiledFlag } from './flag.ts'
import { compileLayer, type CompiledLayer } from './layer.ts'
import { findLine, jsonOf, linesOf, splitBody, type KeyedLine } from './lines.ts'
import { linkFlag, linkSegment } from './linker.ts'
import type { CompilePattern } from './operators/operators.ts'
import { testSegment, type CompiledSegment } from './segment.ts'
import type { FlagEntry, Membership, SegmentEntry, World } from './world.ts'

/** Immutable to its users; the members that change hold work that is done at most once. */
export interface Snapshot {
  readonly lines: readonly string[]
  /** Those that somebody has asked for, by key. */
  readonly flags: Map<string, FlagEntry>
  readonly segments: Map<string, SegmentEntry>
  readonly world: World
  readonly run: Run
  readonly blobs: Map<string, Blob>
  /** All flags in the order of the body, and those that class client may see, once they are known. */
  entries: readonly FlagEntry[] | null
  clientEntries: readonly FlagEntry[] | null
  /** Whether any segment has members in a blob, once that is known. */
  hasMembers: boolean | null
}

export interface LoadOptions {
  /** Compiles patterns of the operator `matches`; without it such a leaf is its flag's PARSE_ERROR. */
  readonly compilePattern?: CompilePattern
}

/**
 * Loads a body. Never throws: a line it cannot read is that flag's PARSE_ERROR, and kinds that it does not know are
 * passed over.
 */
export function loadSnapshot(body: string, { compilePattern }: LoadOptions = {}): Snapshot {
  const lines = splitBody(body)
  const flags = new Map<string, FlagEntry>()
  const segments = new Map<string, SegmentEntry>()
  const blobs = new Map<string, Blob>()
  const world: World = {
    attributes: new Map(),
    compilePattern: compilePattern ?? null,
    blobs,
    // What is not there is not kept: there would be no end to it.
    findFlag: (key) => {
      const known = flags.get(key)
      const line = known ? undefined : findLine(lines, 'flag', key)
      return line ? keep(flags, makeFlagEntry(line)) : known
    },
    findSegment: (key) => {
      const known = segments.get(key)
      const line = known ? undefined : findLine(lines, 'segment', key)
      return line ? keep(segments, makeSegmentEntry(line)) : known
    },
    findLayer: makeLayerFinder(lines),
    decideFlag: (entry, run) => decideReferred(entry, run, world),
    testSegment: (entry, run) => testReferred(entry, run, world),
  }
  return {
    lines,
    flags,
    segments,
    world,
    run: makeRun(),
    blobs,
    entries: null,
    clientEntries: null,
    hasMembers: null,
  }
}

/** The flag of that key; undefined if there is none. */
export function findFlag({ flags, world }: Snapshot, key: string): FlagEntry | undefined {
  return flags.get(key) ?? world.findFlag(key)
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
  const { flags, lines } = snapshot
  const entries = (snapshot.entries ??= linesOf(lines, 'flag').map(
    (line) => flags.get(line.key) ?? keep(flags, makeFlagEntry(line)),
  ))
  if (!clientOnly) return entries
  return (snapshot.clientEntries ??= entries.filter((entry) => compiledFlag(snapshot, entry).clientVisible))
}

/** All segments, in the order of the body. */
export function segmentEntries({ lines, segments }: Snapshot): readonly SegmentEntry[] {
  return linesOf(lines, 'segment').map(
    (line) => segments.get(line.key) ?? keep(segments, makeSegmentEntry(line)),
  )
}

/** Makes the entry of a line and keeps it, under the key that it interned. */
function keep<E extends FlagEntry | SegmentEntry>(entries: Map<string, E>, entry: E): E {
  entries.set(entry.key, entry)
  return entry
}

function makeFlagEntry({ key, line, isRepeated }: KeyedLine): FlagEntry {
  return {
    kind: 'flag',
    key: intern(key),
    line,
    isRepeated,
    compiled: null,
    answer: null,
    answerRunId: 0,
    dependsOnTime: null,
  }
}

function makeSegmentEntry({ key, line, isRepeated }: KeyedLine): SegmentEntry {
  const compiled = null
  return { kind: 'segment', key, line, isRepeated, compiled, membership: null, membershipRunId: 0 }
}

/** A layer that several lines claim is none. */
function makeLayerFinder(lines: readonly string[]): World['findLayer'] {
  const layers = new Map<string, CompiledLayer>()
  return (key) => {
    const known = layers.get(key)
    const found = known ? undefined : findLine(lines, 'layer', key)
    if (!found || found.isRepeated) return known
    const layer = compileLayer(jsonOf('layer', key, found.line))
    layers.set(key, layer)
    return layer
  }
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

/**
 * A key that came as a slice of some text V8 finds in a Map only by comparing it character by character in slow code.
 * Having been a property's name makes it one with its interned copy, which is found by address.
 */
function intern(key: string): string {
  return Object.keys({ [key]: true })[0] ?? key
}
