import * as z from 'zod'
import { Seed } from './flag.ts'
import { LayerKey } from './key.ts'
import { AttributePath } from './leaf.ts'
import { limits } from './limits.ts'
import { SlotName } from './serve.ts'

const comment = z.string().max(500).optional().meta({ description: 'Kept in the audit' })

export const Slot = z
  .strictObject({
    name: SlotName,
    from: z.int().min(0).max(100_000),
    to: z.int().min(0).max(100_000),
  })
  .refine((slot) => slot.from < slot.to, { path: ['to'], error: 'must be greater than "from"' })
  .meta({ id: 'Slot', description: 'The buckets from `from` up to, not including, `to`' })
export type Slot = z.infer<typeof Slot>

const definition = {
  name: z.string().max(limits.nameLength),
  description: z.string().max(limits.descriptionLength),
  by: AttributePath.meta({ description: 'The attribute whose value is bucketed' }),
  slots: z
    .array(Slot)
    .max(limits.slotsPerLayer)
    .superRefine((slots, context) => {
      for (const { index, message } of clashes(slots))
        context.addIssue({ code: 'custom', path: [index], message })
    }),
}

export const LayerCreate = z
  .strictObject({
    key: LayerKey,
    ...z.strictObject(definition).partial().shape,
    seed: Seed.optional().meta({ description: 'That of a layer which moves here; made new if left out' }),
    comment,
  })
  .meta({ id: 'LayerCreate' })
export type LayerCreate = z.output<typeof LayerCreate>

export const LayerPatch = z
  .strictObject({ ...z.strictObject(definition).partial().shape, comment })
  .meta({ id: 'LayerPatch', description: 'JSON merge patch' })
export type LayerPatch = z.infer<typeof LayerPatch>

export const Layer = z
  .strictObject({
    id: z.string(),
    key: LayerKey,
    ...definition,
    seed: z.string().meta({ description: 'What decides the buckets of this layer' }),
    archived: z.boolean(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({
    id: 'Layer',
    description:
      'Shares out contexts among flags: two slots never share a context, an unused slot is a holdout',
  })
export type Layer = z.infer<typeof Layer>

/** The slots whose name or range another slot before them has. */
function clashes(slots: readonly Slot[]): { index: number; message: string }[] {
  return slots.flatMap((slot, index) => {
    const earlier = slots.slice(0, index)
    const same = earlier.find(({ name }) => name === slot.name)
    if (same) return [{ index, message: `there is a slot "${slot.name}" already` }]
    const overlapped = earlier.find(({ from, to }) => slot.from < to && from < slot.to)
    return overlapped
      ? [{ index, message: `overlaps slot "${overlapped.name}" [${overlapped.from}, ${overlapped.to})` }]
      : []
  })
}
