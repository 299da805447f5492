/**
 * Flags as a file, JSON or YAML: what local mode evaluates, `halyard export` writes and `halyard apply` brings about.
 * Its simplest form is `{"flags": {"new-checkout": {"enabled": true, "variant": "on"}}}`.
 */
import * as z from 'zod'
import { FlagDefinitionPatch, FlagState, FlagStatePatch, Seed, ValueType } from '../contract/flag.ts'
import { JsonValue } from '../contract/json.ts'
import { FlagKey, LayerKey, SegmentKey, VariantKey } from '../contract/key.ts'
import { LayerPatch } from '../contract/layer.ts'
import { AttributePath } from '../contract/leaf.ts'
import { ResourceKey } from '../contract/resources.ts'
import { SegmentDefinitionPatch, SegmentStatePatch } from '../contract/segment.ts'

const seed = Seed.optional().meta({
  description: 'Decides the buckets; made of the key if left out. A server makes its own',
})

const variant = VariantKey.optional().meta({
  description: 'Served when no override and no rule matched: the short form of "fallthrough"',
})

/** A state in one environment, over that of all. */
const FileState = z
  .strictObject({ ...FlagStatePatch.shape, variant })
  .refine((state) => state.variant === undefined || state.fallthrough === undefined, {
    path: ['variant'],
    error: 'is the short form of "fallthrough": give one of the two',
  })

export const FileFlag = z
  .strictObject({
    ...FlagDefinitionPatch.omit({ variants: true, comment: true }).shape,
    valueType: ValueType.optional().meta({
      description: 'That of the values if left out; boolean without variants',
    }),
    variants: z
      .record(VariantKey, JsonValue)
      .optional()
      .meta({ description: 'Values by the key of their variant; a boolean flag has on and off anyway' }),
    seed,
    ...FlagStatePatch.shape,
    enabled: FlagState.shape.enabled,
    variant,
    environments: z
      .record(ResourceKey, FileState)
      .optional()
      .meta({ description: 'What is otherwise in single environments' }),
  })
  .refine((flag) => flag.variant === undefined || flag.fallthrough === undefined, {
    path: ['variant'],
    error: 'is the short form of "fallthrough": give one of the two',
  })
  .meta({ id: 'FileFlag' })
export type FileFlag = z.infer<typeof FileFlag>

/** What belongs to a segment in one environment, over that of all. */
const FileSegmentState = z.strictObject({
  ...SegmentStatePatch.shape,
  members: z
    .strictObject({ hash: z.string().regex(/^[0-9a-f]{64}$/), count: z.int().min(0) })
    .nullable()
    .optional()
    .meta({ description: 'An uploaded list, which only a server holds: it is named here and not changed' }),
})

export const FileSegment = z
  .strictObject({
    ...SegmentDefinitionPatch.omit({ comment: true }).shape,
    ...FileSegmentState.shape,
    environments: z.record(ResourceKey, FileSegmentState).optional(),
  })
  .meta({ id: 'FileSegment' })
export type FileSegment = z.infer<typeof FileSegment>

export const FileLayer = z
  .strictObject({
    ...LayerPatch.omit({ comment: true }).shape,
    by: AttributePath.default('targetingKey'),
    slots: LayerPatch.shape.slots.unwrap(),
    seed,
  })
  .meta({ id: 'FileLayer' })
export type FileLayer = z.infer<typeof FileLayer>

export const FlagFile = z
  .strictObject({
    $schema: z.string().max(500).optional(),
    flags: z.record(FlagKey, FileFlag),
    segments: z.record(SegmentKey, FileSegment).optional(),
    layers: z.record(LayerKey, FileLayer).optional(),
  })
  .meta({ id: 'FlagFile', description: 'Feature flags as a file' })
export type FlagFile = z.infer<typeof FlagFile>
