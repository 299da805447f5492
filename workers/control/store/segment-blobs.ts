import { and, eq, lt, sql } from 'drizzle-orm'
import { segmentBlobParts, segmentBlobs } from './blob-schema.ts'
import type { Database, Tx } from './database.ts'
import { segmentStates } from './segment-schema.ts'

/** Bytes that a row holds. */
const partBytesMax = 1024 * 1024
const abandonedMs = 86_400_000

interface StoredBlob {
  readonly hash: string
  readonly count: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

interface BlobName {
  readonly orgId: string
  readonly hash: string
}

/** Stores a blob; one that is there already is kept from being dropped for another day. Drops what was abandoned. */
export async function storeBlob(
  tx: Tx,
  { orgId, now }: { orgId: string; now: Date },
  { hash, count, bytes }: StoredBlob,
): Promise<void> {
  const yesterday = new Date(now.getTime() - abandonedMs)
  const { orgId: ofOrg, kept, storedAt } = segmentBlobs
  await tx.delete(segmentBlobs).where(and(eq(ofOrg, orgId), eq(kept, false), lt(storedAt, yesterday)))
  await tx
    .insert(segmentBlobs)
    .values({ orgId, hash, count, storedAt: now })
    .onConflictDoUpdate({ target: [segmentBlobs.orgId, segmentBlobs.hash], set: { storedAt: now } })
  for (let at = 0, part = 0; at < bytes.length; at += partBytesMax, part++) {
    const row = { orgId, hash, part, bytes: bytes.slice(at, at + partBytesMax) }
    await tx.insert(segmentBlobParts).values(row).onConflictDoNothing() // oxlint-disable-line no-await-in-loop -- one connection
  }
}

/** A committed change names it: history needs it from now on. */
export async function keepBlob(tx: Tx, { orgId, hash }: BlobName): Promise<void> {
  const kept = await tx
    .update(segmentBlobs)
    .set({ kept: true })
    .where(and(eq(segmentBlobs.orgId, orgId), eq(segmentBlobs.hash, hash)))
    .returning({ hash: segmentBlobs.hash })
  if (kept.length === 0) throw new Error(`blob ${hash} was dropped before it was committed`)
}

/** The bytes of a blob, read in parts; `null` if there is none of that hash. */
export async function readBlob(
  db: Database,
  { orgId, hash }: BlobName,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const [[blob]] = await db.read(orgId, (read) => [
    read
      .select({ count: segmentBlobs.count })
      .from(segmentBlobs)
      .where(and(eq(segmentBlobs.orgId, orgId), eq(segmentBlobs.hash, hash))),
  ])
  if (!blob) return null
  return await joinParts(blob.count, async (part) => {
    const [[row]] = await db.read(orgId, (read) => [selectPart(read, { orgId, hash }, part)])
    return row?.bytes
  })
}

/** The same inside a change. */
export async function readBlobIn(tx: Tx, { orgId, hash }: BlobName): Promise<Uint8Array<ArrayBuffer> | null> {
  const [blob] = await tx
    .select({ count: segmentBlobs.count })
    .from(segmentBlobs)
    .where(and(eq(segmentBlobs.orgId, orgId), eq(segmentBlobs.hash, hash)))
  if (!blob) return null
  return await joinParts(blob.count, async (part) => (await selectPart(tx, { orgId, hash }, part))[0]?.bytes)
}

/** How many bytes the blobs hold that the segments of an environment name, each counted once. */
export async function blobBytesOf(tx: Tx, at: { orgId: string; environmentId: string }): Promise<number> {
  const { orgId, environmentId, state } = segmentStates
  const named = tx
    .selectDistinct({
      hash: sql`${state} #>> '{members,hash}'`.as('hash'),
      count: sql<number>`(${state} #>> '{members,count}')::integer`.as('count'),
    })
    .from(segmentStates)
    .where(and(eq(orgId, at.orgId), eq(environmentId, at.environmentId)))
    .as('named')
  const [row] = await tx
    .select({ bytes: sql<string>`coalesce(sum(${named.count}), 0) * ${fingerprintBytes}` })
    .from(named)
  return Number(row?.bytes)
}

const fingerprintBytes = 8

function selectPart(db: Pick<Tx, 'select'>, { orgId, hash }: BlobName, part: number) {
  return db
    .select({ bytes: segmentBlobParts.bytes })
    .from(segmentBlobParts)
    .where(
      and(
        eq(segmentBlobParts.orgId, orgId),
        eq(segmentBlobParts.hash, hash),
        eq(segmentBlobParts.part, part),
      ),
    )
}

async function joinParts(count: number, read: (part: number) => Promise<Uint8Array | undefined>) {
  const bytes = new Uint8Array(count * fingerprintBytes)
  for (let part = 0; part * partBytesMax < bytes.length; part++) {
    const piece = await read(part) // oxlint-disable-line no-await-in-loop -- one part in memory at a time
    if (!piece) throw new Error(`part ${part} of a blob is missing`)
    bytes.set(piece, part * partBytesMax)
  }
  return bytes
}
