import * as z from 'zod'
import { AttributePath } from './leaf.ts'
import { VariantKey } from './key.ts'
import { limits } from './limits.ts'
import { Moment } from './moment.ts'

const comment = z.string().max(500).optional().meta({ description: 'Kept in the audit' })

/** Exact in units of 1/100,000: no more than three decimals. */
const Percent = z
  .number()
  .min(0)
  .max(100)
  .refine((percent) => Math.abs(percent * 1_000 - Math.round(percent * 1_000)) < 1e-6, {
    error: 'may have at most three decimals',
  })

const Duration = z
  .string()
  .regex(
    /^[1-9][0-9]{0,3}[mhdw]$/,
    'a number and m, h, d or w (minutes, hours, days, weeks), such as 36h or 7d',
  )
  .meta({ examples: ['7d'] })

const scheduleRule = 'give either "percent", perhaps with "widenTo" and "over", or "ramp"'

export const Rollout = z
  .strictObject({
    variant: VariantKey.meta({ description: 'Who gets more of what' }),
    otherwise: VariantKey.optional().meta({
      description:
        'What the others get: the other variant of a flag of two, else the off variant, if left out; required where a split serves a third one',
    }),
    percent: Percent.optional().meta({ description: 'The share of `variant`, from now on' }),
    by: AttributePath.optional().meta({
      description: 'What is bucketed: as before, or `targetingKey` if nothing was',
    }),
    rule: z
      .string()
      .min(1)
      .max(limits.nameLength)
      .optional()
      .meta({ description: 'The id or name of a rule; the fallthrough if left out' }),
    widenTo: Percent.optional().meta({ description: 'The share at the end of `over`' }),
    over: Duration.optional().meta({ description: 'How long the widening takes' }),
    steps: z
      .int()
      .min(1)
      .max(limits.rampSteps - 1)
      .optional()
      .meta({ description: 'How many equal steps it takes: one a day, and at least two, if left out' }),
    ramp: z
      .array(z.strictObject({ at: Moment, percent: Percent }))
      .min(1)
      .max(limits.rampSteps)
      .optional()
      .meta({ description: 'The steps themselves, in order of time' }),
    comment,
  })
  .superRefine((rollout, context) => {
    const report = (name: string, message: string) =>
      context.addIssue({ code: 'custom', path: [name], message })
    const { percent, widenTo, over, steps, ramp } = rollout
    if (percent === undefined && !ramp) report('percent', `is required: ${scheduleRule}`)
    if (ramp) {
      for (const name of ['percent', 'widenTo', 'over', 'steps'] as const)
        if (rollout[name] !== undefined) report(name, scheduleRule)
      return
    }
    if (widenTo !== undefined && over === undefined) report('over', 'is required with "widenTo"')
    if (over !== undefined && widenTo === undefined) report('widenTo', 'is required with "over"')
    if (steps !== undefined && widenTo === undefined) report('steps', 'is for "widenTo" and "over" only')
    if (widenTo !== undefined && percent !== undefined && widenTo <= percent)
      report('widenTo', 'must be more than "percent"; to narrow, give the smaller "percent" alone')
  })
  .meta({ id: 'Rollout', description: 'Serves a variant to a share, from now on or in steps' })
export type Rollout = z.output<typeof Rollout>

const Value = z.union([z.string().max(limits.textLength), z.number(), z.boolean()])

export const OverrideOrder = z
  .strictObject({
    targetingKeys: z.array(z.string().max(limits.textLength)).min(1).max(limits.overrideValues).optional(),
    attribute: AttributePath.optional(),
    values: z.array(Value).min(1).max(limits.overrideValues).optional(),
    variant: VariantKey.nullable().meta({ description: 'What they get; null: what everybody gets' }),
    until: Moment.optional().meta({ description: 'When it ends; never if left out' }),
    comment,
  })
  .superRefine(({ targetingKeys, attribute, values, variant, until }, context) => {
    const report = (name: string, message: string) =>
      context.addIssue({ code: 'custom', path: [name], message })
    const rule = 'give either "targetingKeys", or "attribute" and "values"'
    if (targetingKeys && attribute !== undefined) report('attribute', rule)
    if (targetingKeys && values) report('values', rule)
    if (!targetingKeys && !values) report(attribute === undefined ? 'targetingKeys' : 'values', rule)
    if (!targetingKeys && values && attribute === undefined) report('attribute', rule)
    if (variant === null && until !== undefined)
      report('until', 'is for a variant; null ends an override at once')
  })
  .meta({
    id: 'OverrideOrder',
    description: 'Gives single contexts a variant, or takes them out of overrides',
  })
export type OverrideOrder = z.output<typeof OverrideOrder>
