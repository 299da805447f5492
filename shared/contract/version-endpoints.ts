import * as z from 'zod'
import { endpoint, page, PageQuery } from './endpoint.ts'
import { JsonValue } from './json.ts'
import { FlagKey, SegmentKey } from './key.ts'
import { limits } from './limits.ts'
import { inEnvironment } from './paths.ts'
import { VersionToken } from './resources.ts'
import { Versions, Warnings } from './written.ts'

const summary = {
  version: VersionToken,
  createdAt: z.iso.datetime(),
  actor: z.string().meta({ description: 'The id of the token that made it, or `system`' }),
  action: z.string().nullable().meta({ description: 'Of the first audit entry of its change' }),
  resource: z
    .string()
    .nullable()
    .meta({ examples: ['flag/new-checkout'] }),
  comment: z.string().nullable(),
  isPublished: z.boolean().meta({
    description: 'Several waiting versions are published as the last of them',
  }),
  publishedAt: z.iso.datetime().nullable(),
  size: z.int().nullable().meta({ description: 'UTF-8 bytes of its snapshot, if it was published' }),
}

export const VersionSummary = z
  .strictObject(summary)
  .meta({ id: 'VersionSummary', description: 'One version of an environment, and the change that made it' })
export type VersionSummary = z.infer<typeof VersionSummary>

export const ObjectChange = z
  .strictObject({
    kind: z.enum(['flag', 'segment', 'layer', 'key']),
    key: z.string().meta({ description: 'Of a key its id' }),
    change: z.enum(['added', 'changed', 'removed']),
    before: JsonValue.meta({ description: 'All that evaluation saw of it; null if it was not there' }),
    after: JsonValue,
    text: z.array(z.string()).readonly().meta({ description: 'The difference in words' }),
  })
  .meta({ id: 'ObjectChange' })
export type ObjectChange = z.infer<typeof ObjectChange>

const PublishedHead = z
  .strictObject({
    snapshotHash: z.string(),
    accessHash: z.string(),
    clientHash: z.string(),
    size: z.int(),
    compiler: z.int(),
    kid: z.string().nullable().meta({ description: 'The key that signed it' }),
  })
  .meta({ id: 'PublishedHead' })

const Verification = z
  .strictObject({
    verifiedAt: z.iso.datetime(),
    outcome: z.enum(['same', 'same_decisions', 'differs', 'unknown']),
  })
  .meta({
    id: 'Verification',
    description:
      'What compiling it again from history gave: the same bytes; by a later compiler the same decisions on sample contexts; something else; or nothing to compare with',
  })

const RelayReceipt = z
  .strictObject({ relay: z.string(), ackedAt: z.iso.datetime() })
  .meta({ id: 'RelayReceipt', description: 'When a relay, which holds sockets of readers, confirmed it' })

export const VersionDetail = z
  .strictObject({
    ...summary,
    comparedTo: VersionToken.nullable().meta({ description: 'null: nothing was there before' }),
    changes: z
      .array(ObjectChange)
      .readonly()
      .nullable()
      .meta({ description: `The first ${limits.changesShown}; null: the version before is no longer kept` }),
    changeCount: z.int().nullable(),
    head: PublishedHead.nullable(),
    verification: Verification.nullable(),
    receipts: z
      .array(RelayReceipt)
      .readonly()
      .nullable()
      .meta({ description: 'null: the hub cannot be asked, or no longer knows' }),
  })
  .meta({ id: 'VersionDetail' })
export type VersionDetail = z.infer<typeof VersionDetail>

const CompareQuery = z.strictObject({
  compare: VersionToken.optional().meta({
    description: 'A version to compare with, earlier or later; the one before if left out',
  }),
})

export const Revert = z
  .strictObject({
    to: VersionToken,
    flags: z
      .array(FlagKey)
      .min(1)
      .max(limits.revertKeys)
      .optional()
      .meta({ description: 'These flags alone; with neither list all flags and segments' }),
    segments: z.array(SegmentKey).min(1).max(limits.revertKeys).optional(),
    comment: z.string().max(500).optional().meta({ description: 'Kept in the audit' }),
  })
  .meta({ id: 'Revert' })
export type Revert = z.infer<typeof Revert>

const LeftAlone = z
  .strictObject({
    kind: z.enum(['flag', 'segment']),
    key: z.string(),
    why: z.enum(['newer', 'archived']),
  })
  .meta({ id: 'LeftAlone', description: 'What a revert did not touch: it came later, or is archived now' })

export const Reverted = z
  .strictObject({
    environment: z.string(),
    revertedTo: VersionToken,
    flags: z.array(z.string()).readonly().meta({ description: 'Those whose state is now another' }),
    segments: z.array(z.string()).readonly(),
    left: z.array(LeftAlone).readonly(),
    versions: Versions,
    warnings: Warnings,
  })
  .meta({ id: 'Reverted' })
export type Reverted = z.infer<typeof Reverted>

/** What an environment was, and going back to it. */
export const versionEndpoints = {
  listVersions: endpoint({
    method: 'GET',
    path: `${inEnvironment}/versions`,
    tag: 'Versions',
    summary: 'List the versions of an environment, the newest first',
    role: 'viewer',
    query: PageQuery,
    result: page(VersionSummary),
  }),
  getVersion: endpoint({
    method: 'GET',
    path: `${inEnvironment}/versions/:version`,
    tag: 'Versions',
    summary: 'Read a version: what it changed, what was published, and when relays had it',
    role: 'viewer',
    query: CompareQuery,
    result: VersionDetail,
  }),
  revertEnvironment: endpoint({
    method: 'POST',
    path: `${inEnvironment}/revert`,
    tag: 'Versions',
    summary: 'Make the states of flags and segments what they were at a version; definitions and keys stay',
    role: 'editor',
    body: Revert,
    result: Reverted,
  }),
} as const
