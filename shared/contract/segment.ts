import * as z from 'zod'
import { checkCondition, Condition } from './condition.ts'
import { SegmentKey } from './key.ts'
import { AttributePath } from './leaf.ts'
import { limits } from './limits.ts'

const comment = z.string().max(500).optional().meta({ description: 'Kept in the audit' })
const Id = z.string().min(1).max(limits.segmentIdLength)

/** A list of ids that was uploaded. */
export const SegmentMembers = z
  .strictObject({
    hash: z.string().meta({ description: 'SHA-256 of the list as readers hold it' }),
    count: z.int(),
    added: z.array(z.string()).meta({ description: 'Ids that came after the upload' }),
    removed: z.array(z.string()).meta({ description: 'Ids that went after the upload' }),
  })
  .meta({ id: 'SegmentMembers' })
export type SegmentMembers = z.infer<typeof SegmentMembers>

const definition = {
  name: z.string().max(limits.nameLength),
  description: z.string().max(limits.descriptionLength),
  tags: z.array(z.string().min(1).max(limits.tagLength)).max(limits.tags),
}

const editable = {
  attribute: AttributePath.meta({ description: 'The attribute that holds the id of a context' }),
  include: z
    .array(Id)
    .max(limits.segmentIds)
    .meta({ description: 'Ids that belong to the segment, whatever `when` says' }),
  exclude: z
    .array(Id)
    .max(limits.segmentIds)
    .meta({ description: 'Ids that do not belong to it, whatever else says so' }),
  when: Condition.nullable()
    .superRefine((when, context) => {
      if (when) checkCondition(when, (message) => context.addIssue({ code: 'custom', message }))
    })
    .meta({ description: 'Contexts that match belong to the segment; null: none' }),
}
const members = SegmentMembers.nullable().meta({
  description: 'A list of up to a million ids; it has operations of its own',
})

/** The part of a segment that belongs to one environment. */
export const SegmentState = z.strictObject({ ...editable, members }).meta({ id: 'SegmentState' })
export type SegmentState = z.infer<typeof SegmentState>

export const SegmentStatePatch = z
  .strictObject(editable)
  .partial()
  .meta({ id: 'SegmentStatePatch', description: 'JSON merge patch' })
export type SegmentStatePatch = z.infer<typeof SegmentStatePatch>

export const SegmentCreate = z
  .strictObject({
    key: SegmentKey,
    ...z.strictObject(definition).partial().shape,
    environments: z
      .record(z.string().max(64), SegmentStatePatch)
      .optional()
      .meta({ description: 'What belongs to the segment in the named environments; elsewhere nothing does' }),
    comment,
  })
  .meta({ id: 'SegmentCreate' })
export type SegmentCreate = z.output<typeof SegmentCreate>

export const SegmentDefinitionPatch = z
  .strictObject({ ...z.strictObject(definition).partial().shape, comment })
  .meta({ id: 'SegmentDefinitionPatch', description: 'JSON merge patch' })
export type SegmentDefinitionPatch = z.infer<typeof SegmentDefinitionPatch>

export const SegmentRestore = z
  .strictObject({
    ...z.strictObject(definition).partial().shape,
    environments: z.record(z.string().max(64), SegmentStatePatch).optional().meta({
      description:
        'Merge patches of what belonged to the segment in the named environments; elsewhere it comes back as it was',
    }),
    comment,
  })
  .meta({
    id: 'SegmentRestore',
    description: 'What is to be other than it was when the segment was archived',
  })
export type SegmentRestore = z.infer<typeof SegmentRestore>

export const SegmentPatch = z
  .strictObject({ ...z.strictObject(definition).partial().shape, ...SegmentStatePatch.shape, comment })
  .meta({
    id: 'SegmentPatch',
    description: 'JSON merge patch of a definition and its state in one environment',
  })
export type SegmentPatch = z.infer<typeof SegmentPatch>

export const SegmentEnvironmentPatch = z
  .strictObject({ ...SegmentStatePatch.shape, comment })
  .meta({ id: 'SegmentEnvironmentPatch', description: 'JSON merge patch' })

export const Segment = z
  .strictObject({
    id: z.string(),
    key: SegmentKey,
    ...definition,
    archived: z.boolean(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Segment', description: 'The definition of a segment, which belongs to a project' })
export type Segment = z.infer<typeof Segment>

export const SegmentInEnvironment = z
  .strictObject({ ...Segment.shape, environment: z.string(), ...SegmentState.shape })
  .meta({ id: 'SegmentInEnvironment', description: 'A segment with its state in one environment' })
export type SegmentInEnvironment = z.infer<typeof SegmentInEnvironment>
