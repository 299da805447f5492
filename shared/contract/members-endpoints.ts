import * as z from 'zod'
import { endpoint } from './endpoint.ts'
import { limits } from './limits.ts'
import { inEnvironment } from './paths.ts'
import { written } from './written.ts'

const comment = z.string().max(500).optional().meta({ description: 'Kept in the audit' })
const Id = z.string().min(1).max(limits.segmentIdLength)

export const UploadName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'a letter or digit, then up to 63 letters, digits, ".", "_" or "-"',
  )
  .meta({ description: 'A name that you choose: parts of the same name belong together' })
const PartNumber = z.int().min(1).max(limits.uploadParts)
const Column = z.string().min(1).max(limits.nameLength).meta({
  description: 'Of a CSV: the column of the ids, by its name in the header; the first one if left out',
})
export const MemberFormat = z.enum(['ndjson', 'csv'])
export type MemberFormat = z.infer<typeof MemberFormat>

/** How far an upload has come. */
export const Upload = z
  .strictObject({
    upload: UploadName,
    format: MemberFormat,
    parts: z.array(z.strictObject({ part: PartNumber, bytes: z.int(), sha256: z.string() })),
    missing: z.array(PartNumber).meta({ description: 'Parts that are not held, below the last that is' }),
    committed: z.boolean().meta({
      description:
        'Its list is, or was, that of the segment; its parts are gone, and one more begins it anew',
    }),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Upload', description: 'Forgotten a day after its last part' })
export type Upload = z.infer<typeof Upload>

export const Members = z
  .strictObject({
    count: z.int().meta({ description: 'Ids in the uploaded list' }),
    hash: z
      .string()
      .nullable()
      .meta({ description: 'SHA-256 of the list as readers hold it; null: there is none' }),
    added: z.array(z.string()).meta({ description: 'Ids that came after the upload' }),
    removed: z.array(z.string()).meta({ description: 'Ids that went after the upload' }),
    uploads: z.array(Upload),
  })
  .meta({ id: 'Members', description: 'The large list of ids of a segment in one environment' })
export type Members = z.infer<typeof Members>

const PartQuery = z
  .strictObject({
    upload: UploadName.optional(),
    part: z.coerce.number().pipe(PartNumber).optional().meta({ description: 'From 1 on' }),
    column: Column.optional(),
    comment,
  })
  .refine((query) => (query.upload === undefined) === (query.part === undefined), {
    path: ['part'],
    message: 'upload and part go together; without both the body is the whole list',
  })
  .refine(
    (query) => query.part === undefined || (query.column === undefined && query.comment === undefined),
    {
      path: ['column'],
      message: 'column and comment of an upload belong to its commit',
    },
  )

export const MembersCommit = z
  .strictObject({
    upload: UploadName,
    parts: PartNumber.meta({ description: 'How many parts the list has' }),
    format: MemberFormat.optional().meta({
      description: 'That of the Content-Type of the parts if left out',
    }),
    column: Column.optional(),
    comment,
  })
  .meta({ id: 'MembersCommit' })
export type MembersCommit = z.infer<typeof MembersCommit>

export const MembersPatch = z
  .strictObject({
    add: z.array(Id).max(limits.memberEdits).default([]),
    remove: z.array(Id).max(limits.memberEdits).default([]),
    comment,
  })
  .superRefine(({ add, remove }, context) => {
    const added = new Set(add)
    remove.forEach((id, i) => {
      if (added.has(id)) context.addIssue({ code: 'custom', path: ['remove', i], message: 'is in add too' })
    })
  })
  .meta({ id: 'MembersPatch', description: 'Needs no If-Match: it says all it means' })
export type MembersPatch = z.infer<typeof MembersPatch>

const MembersQuery = z.strictObject({
  upload: UploadName.optional().meta({ description: 'Shows this upload only' }),
})
const DeleteQuery = z.strictObject({
  upload: UploadName.optional().meta({ description: 'Discards this upload only, and leaves the list' }),
})
const bytes = ['application/x-ndjson', 'text/csv'] as const
const whole = `${inEnvironment}/segments/:key/members` as const
const short = '/segments/:key/members'

const operations = {
  get: {
    method: 'GET',
    summary: 'Read the large list of a segment: its size, later edits, and uploads',
    role: 'viewer',
    query: MembersQuery,
    result: Members,
    etag: true,
  },
  put: {
    method: 'PUT',
    summary: 'Upload a part of a large list, or replace it by a whole list of at most 1 MiB',
    role: 'editor',
    query: PartQuery,
    bytes,
    result: written(Members),
    etag: true,
  },
  patch: {
    method: 'PATCH',
    summary: 'Add and remove single ids of a large list',
    role: 'editor',
    body: MembersPatch,
    isWhole: true,
    result: written(Members),
    etag: true,
  },
  clear: {
    method: 'DELETE',
    summary: 'Empty the large list of a segment, or discard an upload',
    role: 'editor',
    query: DeleteQuery,
    result: written(Members),
    etag: true,
  },
  commit: {
    method: 'POST',
    summary: 'Put an uploaded list in place of the present one, at once',
    role: 'editor',
    body: MembersCommit,
    result: written(Members),
    etag: true,
  },
} as const

/** The large lists of segments: NDJSON (a text, a number or `{"id": …}` a line) or CSV with a header. */
export const membersEndpoints = {
  putMembers: endpoint({ ...operations.put, path: whole, tag: 'Segment members' }),
  commitMembers: endpoint({ ...operations.commit, path: `${whole}/commit`, tag: 'Segment members' }),
  getMembers: endpoint({ ...operations.get, path: whole, tag: 'Segment members' }),
  editMembers: endpoint({ ...operations.patch, path: whole, tag: 'Segment members' }),
  clearMembers: endpoint({ ...operations.clear, path: whole, tag: 'Segment members' }),
  shortPutMembers: endpoint({ ...operations.put, path: short, tag: 'Short forms' }),
  shortCommitMembers: endpoint({ ...operations.commit, path: `${short}/commit`, tag: 'Short forms' }),
  shortGetMembers: endpoint({ ...operations.get, path: short, tag: 'Short forms' }),
  shortEditMembers: endpoint({ ...operations.patch, path: short, tag: 'Short forms' }),
  shortClearMembers: endpoint({ ...operations.clear, path: short, tag: 'Short forms' }),
} as const
