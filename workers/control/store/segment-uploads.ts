/** Uploads of large lists, and their parts. */
import { and, asc, count, eq, isNotNull, lt, sql } from 'drizzle-orm'
import { segmentUploadParts, segmentUploads, type MadeOfUpload } from './blob-schema.ts'
import type { ReadDb, Tx } from './database.ts'

export interface MembersPlace {
  readonly orgId: string
  readonly environmentId: string
  readonly segmentId: string
}

export type UploadRow = typeof segmentUploads.$inferSelect
export type UploadPartRow = Omit<typeof segmentUploadParts.$inferSelect, 'bytes'> & { readonly size: number }

const uploadMs = 86_400_000

/** The uploads of a segment in an environment by name, or the one that is named; with the lock of each if asked. */
export function selectUploads(db: Pick<ReadDb, 'select'>, at: MembersPlace, name?: string) {
  return db
    .select()
    .from(segmentUploads)
    .where(and(ofPlace(segmentUploads, at), name === undefined ? undefined : eq(segmentUploads.name, name)))
    .orderBy(asc(segmentUploads.name))
}

/** What is held of these uploads, without the bytes. */
export function selectUploadParts(db: Pick<ReadDb, 'select'>, at: MembersPlace, name?: string) {
  const { bytes, ...columns } = partColumns
  return db
    .select({ ...columns, size: sql<number>`octet_length(${bytes})` })
    .from(segmentUploadParts)
    .where(
      and(
        ofPlace(segmentUploadParts, at),
        name === undefined ? undefined : eq(segmentUploadParts.upload, name),
      ),
    )
    .orderBy(asc(segmentUploadParts.upload), asc(segmentUploadParts.part))
}

/** One part with its bytes. */
export function selectUploadPart(db: Pick<ReadDb, 'select'>, at: MembersPlace, name: string, part: number) {
  return db
    .select()
    .from(segmentUploadParts)
    .where(
      and(
        ofPlace(segmentUploadParts, at),
        eq(segmentUploadParts.upload, name),
        eq(segmentUploadParts.part, part),
      ),
    )
}

/** Drops the uploads to which nothing came for a day, with their parts. */
export async function dropOldUploads(tx: Tx, orgId: string, now: Date): Promise<void> {
  await tx
    .delete(segmentUploads)
    .where(
      and(eq(segmentUploads.orgId, orgId), lt(segmentUploads.updatedAt, new Date(now.getTime() - uploadMs))),
    )
}

/** Begins an upload, also under the name of one that is committed, or goes on with it: locked until the transaction ends. */
export async function touchUpload(tx: Tx, row: Omit<UploadRow, 'committed' | 'made'>): Promise<UploadRow> {
  const { orgId, environmentId, segmentId, name, committed, format } = segmentUploads
  const [upload] = await tx
    .insert(segmentUploads)
    .values(row)
    .onConflictDoUpdate({
      target: [orgId, environmentId, segmentId, name],
      set: {
        updatedAt: row.updatedAt,
        committed: false,
        made: null,
        format: sql`case when ${committed} then excluded.format else ${format} end`,
      },
    })
    .returning()
  if (!upload) throw new Error('an upsert gives its row')
  return upload
}

/** How many uploads of an environment are not committed. */
export async function countUploads(tx: Tx, at: MembersPlace): Promise<number> {
  const [row] = await tx
    .select({ open: count() })
    .from(segmentUploads)
    .where(
      and(
        eq(segmentUploads.orgId, at.orgId),
        eq(segmentUploads.environmentId, at.environmentId),
        eq(segmentUploads.committed, false),
      ),
    )
  return row?.open ?? 0
}

/** Keeps a part, in place of the one that was there. */
export async function writeUploadPart(tx: Tx, row: typeof segmentUploadParts.$inferInsert): Promise<void> {
  const { orgId, environmentId, segmentId, upload, part } = segmentUploadParts
  const { sha256, bytes } = row
  await tx
    .insert(segmentUploadParts)
    .values(row)
    .onConflictDoUpdate({ target: [orgId, environmentId, segmentId, upload, part], set: { sha256, bytes } })
}

/** Locks an upload until the transaction ends: no part comes meanwhile. */
export async function lockUpload(tx: Tx, at: MembersPlace, name: string): Promise<UploadRow | undefined> {
  return (await selectUploads(tx, at, name).for('update'))[0]
}

/** The upload is a list now: its parts have served. */
export async function finishUpload(tx: Tx, at: MembersPlace, name: string): Promise<void> {
  await tx
    .update(segmentUploads)
    .set({ committed: true })
    .where(and(ofPlace(segmentUploads, at), eq(segmentUploads.name, name)))
  await tx
    .delete(segmentUploadParts)
    .where(and(ofPlace(segmentUploadParts, at), eq(segmentUploadParts.upload, name)))
}

/** Keeps what a commit made, so that its retry is answered alike. */
export async function keepMade(tx: Tx, at: MembersPlace, name: string, made: MadeOfUpload): Promise<void> {
  await tx
    .update(segmentUploads)
    .set({ made })
    .where(and(ofPlace(segmentUploads, at), eq(segmentUploads.name, name)))
}

/** Another list took the place of what uploads have made. */
export async function forgetMade(tx: Tx, at: MembersPlace): Promise<void> {
  await tx
    .update(segmentUploads)
    .set({ made: null })
    .where(and(ofPlace(segmentUploads, at), isNotNull(segmentUploads.made)))
}

/** Drops an upload with its parts; says whether there was one. */
export async function dropUpload(tx: Tx, at: MembersPlace, name: string): Promise<boolean> {
  const dropped = await tx
    .delete(segmentUploads)
    .where(and(ofPlace(segmentUploads, at), eq(segmentUploads.name, name)))
    .returning({ name: segmentUploads.name })
  return dropped.length > 0
}

const partColumns = {
  orgId: segmentUploadParts.orgId,
  environmentId: segmentUploadParts.environmentId,
  segmentId: segmentUploadParts.segmentId,
  upload: segmentUploadParts.upload,
  part: segmentUploadParts.part,
  sha256: segmentUploadParts.sha256,
  bytes: segmentUploadParts.bytes,
}

function ofPlace(table: typeof segmentUploads | typeof segmentUploadParts, at: MembersPlace) {
  return and(
    eq(table.orgId, at.orgId),
    eq(table.environmentId, at.environmentId),
    eq(table.segmentId, at.segmentId),
  )
}
