import * as z from 'zod'
import { LayerKey, VariantKey } from './key.ts'
import { AttributePath } from './leaf.ts'
import { limits } from './limits.ts'
import { Moment, momentMs } from './moment.ts'

const share = z.int().min(0).max(100_000)
const hash = z.literal('xx32').exactOptional().meta({ description: 'The bucketing function' })

export const SlotName = z.string().min(1).max(limits.variantKeyLength)

export const Split = z
  .strictObject({
    by: AttributePath.default('targetingKey'),
    weights: z
      .array(z.strictObject({ variant: VariantKey, weight: share }))
      .min(1)
      .max(limits.variants),
    hash,
    layer: z.strictObject({ key: LayerKey, slot: SlotName }).exactOptional().meta({
      description:
        'Holds only contexts whose bucket in the layer lies in the slot; a rule passes the others on',
    }),
    outside: VariantKey.exactOptional().meta({
      description: 'With a layer in the fallthrough: the variant of the contexts outside the slot',
    }),
  })
  .refine((split) => split.weights.reduce((sum, { weight }) => sum + weight, 0) === 100_000, {
    path: ['weights'],
    params: { code: 'weights_sum' },
    error: (issue) => {
      const weights = (issue.input as { weights: { weight: number }[] }).weights // what the schema above just parsed
      return `weights must sum to exactly 100000 (100 %), they sum to ${weights.reduce((sum, w) => sum + w.weight, 0)}`
    },
  })
  .refine((split) => new Set(split.weights.map((w) => w.variant)).size === split.weights.length, {
    path: ['weights'],
    error: 'each variant may have one weight',
  })
  .meta({ id: 'Split', description: 'Divides contexts between variants, in units of 1/100,000' })

export const Ramp = z
  .strictObject({
    by: AttributePath.default('targetingKey'),
    from: VariantKey,
    to: VariantKey,
    steps: z
      .array(
        z.strictObject({ at: Moment, share: share.meta({ description: 'Of `to`, in units of 1/100,000' }) }),
      )
      .min(1)
      .max(limits.rampSteps),
    hash,
  })
  .superRefine(({ steps }, context) => {
    for (const [index, { at }] of steps.entries()) {
      const previous = steps[index - 1]
      if (previous && momentMs(at) <= momentMs(previous.at)) {
        const message = 'must be later than the step before'
        context.addIssue({ code: 'custom', path: ['steps', index, 'at'], message })
      }
    }
  })
  .refine((ramp) => ramp.from !== ramp.to, { path: ['to'], error: 'must be another variant than "from"' })
  .meta({
    id: 'Ramp',
    description: 'A split of two whose share of `to` follows the clock: 0 before the first step',
  })

export const Serve = z
  .union([
    z.strictObject({ variant: VariantKey }),
    z.strictObject({ split: Split }),
    z.strictObject({ ramp: Ramp }),
  ])
  .meta({ id: 'Serve', description: 'One variant, a split, or a ramp' })
export type Serve = z.infer<typeof Serve>
