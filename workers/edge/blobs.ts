/**
 * Members of large segments: blobs that a snapshot names by hash, had from memory, the location's cache, the hub or KV. A blob is taken only
 * if its bytes have that hash. One that cannot be had is asked for again a second later; meanwhile the engine says so
 * for the flags that reach it.
 */
import { requiredBlobs } from '@halyard/shared/engine/reach.ts'
import { addBlob, flagKeys, segmentEntries, type Snapshot } from '@halyard/shared/engine/snapshot.ts'
import type { SegmentEntry } from '@halyard/shared/engine/world.ts'
import { namedBlobs } from '@halyard/shared/protocol/named-blobs.ts'
import { refuse } from './adopt-checks.ts'
import { coldDeadlineMs, flightMaxMs, inTime, waitFor } from './flight.ts'
import { readBytes, shareContent } from './view-location.ts'
import type { BlobBytes, BlobFlight, View, ViewPorts } from './view-state.ts'

/** A blob that is fetched for a view. */
interface Wanted {
  readonly view: View
  readonly hash: string
  readonly ports: ViewPorts
}

const sourceTimeoutMs = 1_500
const blobRetryMs = 1_000

/** What evaluating all flags of the class may need and the snapshot lacks: what it was given stays with it. */
const missingCache = {
  all: new WeakMap<Snapshot, readonly string[]>(),
  client: new WeakMap<Snapshot, readonly string[]>(),
}
const largeCache = new WeakMap<Snapshot, readonly SegmentEntry[]>()
const membersMark = '"members"'

/** The blobs that evaluating all flags of the class may need and that are not in memory. */
export function missingBlobs(view: View, snapshot: Snapshot, clientOnly: boolean): readonly string[] {
  const cache = clientOnly ? missingCache.client : missingCache.all
  const known = cache.get(snapshot)
  if (known?.length === 0) return known
  const asked = known ?? requiredBlobs(snapshot, flagKeys(snapshot, { clientOnly }))
  const missing = asked.filter((hash) => !snapshot.blobs.has(hash) && !giveHeld(view, snapshot, hash))
  cache.set(snapshot, missing)
  return missing
}

/**
 * Whether the evaluation just made asked for members that are not at hand. Its answers do not always show it: a flag
 * whose prerequisite cannot be decided is off, and so it seems to whatever asks for its variant.
 */
export function metMissing(snapshot: Snapshot): boolean {
  return largeSegments(snapshot).some(({ compiled, membership, membershipRunId }) => {
    if (membershipRunId !== snapshot.run.id || !membership?.fault) return false
    const hash = compiled?.rules?.members?.hash
    return hash !== undefined && !snapshot.blobs.has(hash)
  })
}

/** Gives the snapshot these blobs, those of them that can be had in time. */
export async function provideBlobs(
  view: View,
  snapshot: Snapshot,
  hashes: readonly string[],
  ports: ViewPorts,
): Promise<void> {
  await Promise.all(
    hashes.map(async (hash) => {
      const bytes = await readBlob(view, hash, ports)
      if (bytes) addBlob(snapshot, hash, bytes)
    }),
  )
}

/** The bytes of a blob, or null if they cannot be had in time. */
export async function readBlob(view: View, hash: string, ports: ViewPorts): Promise<BlobBytes | null> {
  const held = view.blobs.get(hash)
  if (held) return held
  const flight = flightOf(view, hash, ports)
  if (flight) await waitFor(flight, coldDeadlineMs, ports)
  return view.blobs.get(hash) ?? null
}

/** Whether the snapshot that the view holds names that blob. */
export function namesBlob({ copy }: View, hash: string): boolean {
  return copy !== null && namedBlobs(copy.body).some((blob) => blob.hash === hash)
}

/** Lets go of the blobs that the snapshot held does not name. */
export function dropUnnamedBlobs({ copy, blobs, blobFlights }: View): void {
  if (!copy || (blobs.size === 0 && blobFlights.size === 0)) return
  const named = new Set(namedBlobs(copy.body).map(({ hash }) => hash))
  for (const hash of blobs.keys()) if (!named.has(hash)) blobs.delete(hash)
  for (const hash of blobFlights.keys()) if (!named.has(hash)) blobFlights.delete(hash)
}

function giveHeld({ blobs }: View, snapshot: Snapshot, hash: string): boolean {
  const held = blobs.get(hash)
  return held !== undefined && addBlob(snapshot, hash, held)
}

/** The segments that have a blob: a snapshot names few. */
function largeSegments(snapshot: Snapshot): readonly SegmentEntry[] {
  const known = largeCache.get(snapshot)
  if (known) return known
  const large = segmentEntries(snapshot).filter(({ line }) => line.includes(membersMark))
  largeCache.set(snapshot, large)
  return large
}

/** Joins the flight that is under way or starts one; null if one has just come back with nothing. */
function flightOf(view: View, hash: string, ports: ViewPorts): BlobFlight | null {
  const now = ports.now()
  const known = view.blobFlights.get(hash)
  if (known && known.failedAt === null && now - known.startedAt < flightMaxMs) return known
  if (known && known.failedAt !== null && now - known.failedAt < blobRetryMs) return null
  const flight: BlobFlight = { startedAt: now, failedAt: null, landed: fetchBlob(view, hash, ports) }
  view.blobFlights.set(hash, flight)
  ports.defer(flight.landed)
  return flight
}

/** One round through the sources. Never rejects. */
async function fetchBlob(view: View, hash: string, ports: ViewPorts): Promise<void> {
  const here = await checked('the location', await readBytes(view, hash, ports), { view, hash, ports })
  const bytes =
    here ??
    (await fetchFrom('the hub', ports.readHubBlob, { view, hash, ports })) ??
    (await fetchFrom('KV', ports.readKvBlob, { view, hash, ports }))
  const flight = view.blobFlights.get(hash)
  if (bytes) {
    view.blobs.set(hash, bytes)
    view.blobFlights.delete(hash)
    if (!here) shareContent(view, hash, bytes, ports)
  } else if (flight) flight.failedAt = ports.now()
}

async function fetchFrom(
  source: string,
  read: ViewPorts['readHubBlob'],
  wanted: Wanted,
): Promise<BlobBytes | null> {
  const { view, hash, ports } = wanted
  try {
    return await checked(source, await inTime(read(view.environment, hash), sourceTimeoutMs, ports), wanted)
  } catch (cause) {
    // The next source may have it.
    ports.report(view.environment, `${source} did not give a blob: ${String(cause)}`)
    return null
  }
}

async function checked(
  source: string,
  bytes: BlobBytes | null,
  { view, hash, ports }: Wanted,
): Promise<BlobBytes | null> {
  if (bytes === null || (await ports.hash(bytes)) === hash) return bytes
  refuse(view, `a blob that has not its hash, from ${source}`, ports)
  return null
}
