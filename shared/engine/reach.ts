/** What the flags of a snapshot depend on besides themselves: attributes, blobs and time. */
import type { CompiledFlag } from './flag.ts'
import type { CompiledSegment } from './segment.ts'
import { compiledFlag, compiledSegment, entriesFor, findFlag, type Snapshot } from './snapshot.ts'
import { makeTimes, nextTime, type Times } from './times.ts'
import type { FlagEntry, SegmentEntry } from './world.ts'

/** Whose flags: those that class client may see, or all. */
interface Whose {
  readonly clientOnly?: boolean
}

interface Reached {
  readonly attributes: readonly string[]
  readonly times: Times
  /** No time changes an answer from the first moment to before the second. */
  quiet: readonly [from: number, to: number]
}

const reachedCache = {
  all: new WeakMap<Snapshot, Reached>(),
  client: new WeakMap<Snapshot, Reached>(),
}
const blobsCache = new WeakMap<FlagEntry, readonly string[]>()
const noBlobs: readonly string[] = []
const segmentMark = 'segment\t'
const membersMark = '"members"'

/**
 * The hashes (SHA-256, hex) of the blobs that evaluating these flags may need and that the snapshot was not given yet;
 * of all flags if no keys are named. Unknown keys need none.
 */
export function requiredBlobs(snapshot: Snapshot, keys?: readonly string[]): readonly string[] {
  if (!hasMembers(snapshot)) return noBlobs
  const required = new Set<string>()
  const entries = keys ? keys.map((key) => findFlag(snapshot, key)) : entriesFor(snapshot, false)
  for (const entry of entries) {
    if (!entry) continue
    for (const hash of blobsOf(snapshot, entry)) if (!snapshot.blobs.has(hash)) required.add(hash)
  }
  return required.size === 0 ? noBlobs : [...required]
}

/** The paths of the context that flags read, or what they refer to, in order. Two contexts that agree on them get the same answers. */
export function attributesRead(snapshot: Snapshot, { clientOnly = false }: Whose = {}): readonly string[] {
  return reached(snapshot, clientOnly).attributes
}

/** The next moment after `now` (both epoch milliseconds) at which time alone may change an answer; Infinity if none. */
export function nextBoundary(snapshot: Snapshot, now: number, { clientOnly = false }: Whose = {}): number {
  const known = reached(snapshot, clientOnly)
  const [from, to] = known.quiet
  if (now >= from && now < to) return to
  const next = nextTime(known.times, now)
  known.quiet = [now, next]
  return next
}

/** Whether the moment of the evaluation can matter to a flag's answer. */
export function dependsOnTime(snapshot: Snapshot, entry: FlagEntry): boolean {
  return (entry.dependsOnTime ??= reachOf(snapshot, [entry]).some(
    ({ reach: { attributes, times } }) =>
      times.moments.length + times.recurring.length > 0 || attributes.some(({ isClock }) => isClock),
  ))
}

function reached(snapshot: Snapshot, clientOnly: boolean): Reached {
  const cache = clientOnly ? reachedCache.client : reachedCache.all
  const known = cache.get(snapshot)
  if (known) return known
  const attributes = new Set<string>()
  const times = makeTimes()
  for (const { reach } of reachOf(snapshot, entriesFor(snapshot, clientOnly))) {
    for (const { path, isClock } of reach.attributes) if (!isClock) attributes.add(path)
    for (const moment of reach.times.moments) times.moments.push(moment)
    for (const recurring of reach.times.recurring) times.recurring.push(recurring)
  }
  const found: Reached = { attributes: [...attributes].toSorted(), times, quiet: [0, 0] }
  cache.set(snapshot, found)
  return found
}

function blobsOf(snapshot: Snapshot, entry: FlagEntry): readonly string[] {
  const known = blobsCache.get(entry)
  if (known) return known
  const hashes = new Set<string>()
  for (const compiled of reachOf(snapshot, [entry])) {
    if (compiled.kind === 'segment' && compiled.rules?.members) hashes.add(compiled.rules.members.hash)
  }
  const found = hashes.size === 0 ? noBlobs : [...hashes]
  blobsCache.set(entry, found)
  return found
}

/** These flags, and all flags and segments that they refer to, each once. */
function reachOf(snapshot: Snapshot, entries: readonly FlagEntry[]): (CompiledFlag | CompiledSegment)[] {
  const seen = new Set<FlagEntry | SegmentEntry>(entries)
  const found: (CompiledFlag | CompiledSegment)[] = []
  // A set that grows while it is walked goes on to what was added.
  for (const entry of seen) {
    const compiled = entry.kind === 'flag' ? compiledFlag(snapshot, entry) : compiledSegment(snapshot, entry)
    found.push(compiled)
    for (const reference of compiled.reach.references) seen.add(reference)
  }
  return found
}

function hasMembers(snapshot: Snapshot): boolean {
  return (snapshot.hasMembers ??= snapshot.lines.some(
    (line) => line.startsWith(segmentMark) && line.includes(membersMark),
  ))
}
