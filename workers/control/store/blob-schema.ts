import {
  boolean,
  customType,
  foreignKey,
  index,
  integer,
  json,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import type { MemberFormat } from '@halyard/shared/contract/members-endpoints.ts'
import { environments, organizations } from './schema.ts'
import { segments } from './segment-schema.ts'

/** Large segments: the blobs of their ids, and the uploads that become blobs. Bytes lie in rows of at most 1 MiB. */

const bytea = customType<{ data: Uint8Array<ArrayBuffer>; driverData: Uint8Array }>({
  dataType: () => 'bytea',
  fromDriver: (bytes) => new Uint8Array(bytes), // the driver's is a part of a larger buffer
})
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' })
const orgId = () => text('org_id').notNull()

/** A commit that was made: what was asked for, and what was answered. */
export interface MadeOfUpload {
  readonly parts: number
  readonly format: MemberFormat
  readonly column: string | null
  readonly hash: string
  readonly count: number
  /** By environment key. */
  readonly versions: Readonly<Record<string, string>>
  readonly etag: string
}

/** A blob is never changed: its hash is its name. */
export const segmentBlobs = pgTable(
  'segment_blobs',
  {
    orgId: orgId().references(() => organizations.id),
    hash: text('hash').notNull(),
    count: integer('count').notNull(),
    /** A committed change named it, so that history needs it; the others are dropped after a day. */
    kept: boolean('kept').notNull().default(false),
    storedAt: moment('stored_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.hash] })],
)

export const segmentBlobParts = pgTable(
  'segment_blob_parts',
  {
    orgId: orgId(),
    hash: text('hash').notNull(),
    part: integer('part').notNull(),
    bytes: bytea('bytes').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.hash, t.part] }),
    foreignKey({
      columns: [t.orgId, t.hash],
      foreignColumns: [segmentBlobs.orgId, segmentBlobs.hash],
    }).onDelete('cascade'),
  ],
)

export const segmentUploads = pgTable(
  'segment_uploads',
  {
    orgId: orgId(),
    environmentId: text('environment_id').notNull(),
    segmentId: text('segment_id').notNull(),
    name: text('name').notNull(),
    format: text('format', { enum: ['ndjson', 'csv'] }).notNull(),
    /** Its parts are gone then. */
    committed: boolean('committed').notNull().default(false),
    /** What its commit was and made, while its list is that of the segment; null before, and once another took its place. */
    made: json('made').$type<MadeOfUpload>(),
    updatedAt: moment('updated_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.environmentId, t.segmentId, t.name] }),
    index('segment_uploads_updated').on(t.orgId, t.updatedAt),
    foreignKey({
      columns: [t.orgId, t.environmentId],
      foreignColumns: [environments.orgId, environments.id],
    }),
    foreignKey({ columns: [t.orgId, t.segmentId], foreignColumns: [segments.orgId, segments.id] }),
  ],
)

export const segmentUploadParts = pgTable(
  'segment_upload_parts',
  {
    orgId: orgId(),
    environmentId: text('environment_id').notNull(),
    segmentId: text('segment_id').notNull(),
    upload: text('upload').notNull(),
    part: integer('part').notNull(),
    sha256: text('sha256').notNull(),
    bytes: bytea('bytes').notNull(),
  },
  (t) => [
    primaryKey({
      name: 'segment_upload_parts_pk',
      columns: [t.orgId, t.environmentId, t.segmentId, t.upload, t.part],
    }),
    foreignKey({
      name: 'segment_upload_parts_upload',
      columns: [t.orgId, t.environmentId, t.segmentId, t.upload],
      foreignColumns: [
        segmentUploads.orgId,
        segmentUploads.environmentId,
        segmentUploads.segmentId,
        segmentUploads.name,
      ],
    }).onDelete('cascade'),
  ],
)
