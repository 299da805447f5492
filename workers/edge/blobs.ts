/**
 * Members of large segments: blobs that a snapshot names by hash, had from memory, the hub or KV. A blob is taken only
 * if its bytes have that hash. One that cannot be had is asked for again a second later; meanwhile the engine says so
 * for the flags that reach it.
 */
import { requiredBlobs } from '@halyard/shared/engine/reach.ts'
import { addBlob, flagKeys, type Snapshot } from '@halyard/shared/engine/snapshot.ts'
import { namedBlobs } from '@halyard/shared/protocol/named-blobs.ts'
import { coldDeadlineMs, flightMaxMs, inTime, waitFor } from './flight.ts'
import type { BlobBytes, BlobFlight, View, ViewPorts } from './view-state.ts'

const sourceTimeoutMs = 1_500
const blobRetryMs = 1_000

const noHashes: readonly string[] = []
/** Snapshots that lack nothing: what they were given stays with them. */
const completeCache = new WeakSet<Snapshot>()

/** The blobs that evaluating all flags of the class may need and that the snapshot lacks. */
export function missingBlobs(snapshot: Snapshot, clientOnly: boolean): readonly string[] {
  if (completeCache.has(snapshot)) return noHashes
  const missing = requiredBlobs(snapshot)
  if (missing.length === 0) completeCache.add(snapshot)
  if (missing.length === 0 || !clientOnly) return missing
  return requiredBlobs(snapshot, flagKeys(snapshot, { clientOnly }))
}

/** Gives the snapshot these blobs. False if one of them cannot be had in time. */
export async function provideBlobs(
  view: View,
  snapshot: Snapshot,
  hashes: readonly string[],
  ports: ViewPorts,
): Promise<boolean> {
  const given = await Promise.all(
    hashes.map(async (hash) => {
      const bytes = await readBlob(view, hash, ports)
      return bytes !== null && addBlob(snapshot, hash, bytes)
    }),
  )
  return given.every(Boolean)
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
  const bytes =
    (await fetchFrom('the hub', ports.readHubBlob, { view, hash, ports })) ??
    (await fetchFrom('KV', ports.readKvBlob, { view, hash, ports }))
  const flight = view.blobFlights.get(hash)
  if (bytes) {
    view.blobs.set(hash, bytes)
    view.blobFlights.delete(hash)
  } else if (flight) flight.failedAt = ports.now()
}

async function fetchFrom(
  source: string,
  read: ViewPorts['readHubBlob'],
  { view, hash, ports }: { view: View; hash: string; ports: ViewPorts },
): Promise<BlobBytes | null> {
  try {
    const bytes = await inTime(read(view.environment, hash), sourceTimeoutMs, ports)
    if (bytes === null || (await ports.hash(bytes)) === hash) return bytes
    view.refusedCount += 1
    ports.report(view.environment, `refused a blob that has not its hash, from ${source}`)
  } catch (cause) {
    // The next source may have it.
    ports.report(view.environment, `${source} did not give a blob: ${String(cause)}`)
  }
  return null
}
