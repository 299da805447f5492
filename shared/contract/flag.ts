import * as z from 'zod'
import { AttributePath, Condition, measureCondition } from './condition.ts'
import { JsonValue } from './json.ts'
import { limits } from './limits.ts'

export const FlagKey = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    '1 to 100 of A-Z a-z 0-9 . _ -, starting with a letter or digit',
  )
  .meta({
    id: 'FlagKey',
    description: 'Case-sensitive, and unique without regard to case',
    examples: ['new-checkout'],
  })

export const ValueType = z.enum(['boolean', 'string', 'number', 'json'])
export type ValueType = z.infer<typeof ValueType>

export const FlagKind = z.enum(['release', 'experiment', 'operational', 'permission'])

export const Variant = z
  .strictObject({ key: z.string().min(1).max(limits.variantKeyLength), value: JsonValue })
  .meta({ id: 'Variant', description: 'A named value of the type of the flag' })
export type Variant = z.infer<typeof Variant>

const VariantKey = z.string().min(1).max(limits.variantKeyLength)

export const Split = z
  .strictObject({
    by: AttributePath.default('targetingKey'),
    weights: z
      .array(z.strictObject({ variant: VariantKey, weight: z.int().min(0).max(100_000) }))
      .min(1)
      .max(limits.variants),
    hash: z.literal('xx32').exactOptional(),
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

export const Serve = z
  .union([z.strictObject({ variant: VariantKey }), z.strictObject({ split: Split })])
  .meta({ id: 'Serve', description: 'One variant, or a split' })
export type Serve = z.infer<typeof Serve>

export const Override = z
  .strictObject({
    attribute: AttributePath.default('targetingKey'),
    values: z
      .array(z.union([z.string().max(limits.textLength), z.number(), z.boolean()]))
      .min(1)
      .max(limits.overrideValues),
    variant: VariantKey,
  })
  .meta({ id: 'Override', description: 'Serves a variant to single contexts, before any rule' })

export const Rule = z
  .strictObject({
    id: z
      .string()
      .regex(
        /^rul_[0-9a-z]{26}$/,
        'the id that an earlier answer gave this rule; leave it out for a new rule',
      )
      .optional(),
    name: z.string().max(limits.nameLength).optional(),
    when: Condition,
    serve: Serve,
  })
  .superRefine((rule, context) => {
    const { depth, leaves } = measureCondition(rule.when)
    const report = (message: string) => context.addIssue({ code: 'custom', path: ['when'], message })
    if (depth > limits.conditionDepth)
      report(`nested ${depth} deep; at most ${limits.conditionDepth} is allowed`)
    if (leaves > limits.leavesPerRule)
      report(`has ${leaves} comparisons; at most ${limits.leavesPerRule} are allowed`)
  })
  .meta({
    id: 'Rule',
    description: 'Serves something to the contexts that match; the first matching rule wins',
  })

const state = {
  enabled: z.boolean().meta({ description: 'The kill switch: off serves the off variant to everyone' }),
  offVariant: VariantKey,
  overrides: z.array(Override).max(limits.overrides),
  rules: z.array(Rule).max(limits.rules),
  fallthrough: Serve.meta({ description: 'Served when no override and no rule matched' }),
}

/** The part of a flag that belongs to one environment. */
export const FlagState = z.strictObject(state).meta({ id: 'FlagState' })
export type FlagState = z.infer<typeof FlagState>

export const FlagStatePatch = z
  .strictObject(state)
  .partial()
  .meta({ id: 'FlagStatePatch', description: 'JSON merge patch' })
export type FlagStatePatch = z.infer<typeof FlagStatePatch>

const definition = {
  name: z.string().max(limits.nameLength),
  description: z.string().max(limits.descriptionLength),
  tags: z.array(z.string().min(1).max(limits.tagLength)).max(limits.tags),
  kind: FlagKind,
  variants: z.array(Variant).min(1).max(limits.variants),
  clientVisible: z.boolean().meta({ description: 'Whether client (browser) keys may see this flag' }),
}

const comment = z.string().max(500).optional().meta({ description: 'Kept in the audit' })

export const FlagCreate = z
  .strictObject({
    key: FlagKey,
    valueType: ValueType.default('boolean'),
    ...z.strictObject(definition).partial().shape,
    environments: z.record(z.string().max(64), FlagStatePatch).optional().meta({
      description: 'The first state of the flag in the named environments; elsewhere it starts switched off',
    }),
    comment,
  })
  .meta({ id: 'FlagCreate' })
export type FlagCreate = z.input<typeof FlagCreate>
export type ParsedFlagCreate = z.output<typeof FlagCreate>

export const FlagDefinitionPatch = z
  .strictObject({ ...z.strictObject(definition).partial().shape, comment })
  .meta({ id: 'FlagDefinitionPatch', description: 'JSON merge patch' })

export const FlagPatch = z
  .strictObject({ ...z.strictObject(definition).partial().shape, ...FlagStatePatch.shape, comment })
  .meta({ id: 'FlagPatch', description: 'JSON merge patch of a definition and its state in one environment' })
export type FlagPatch = z.infer<typeof FlagPatch>

export const EnvironmentStatePatch = z
  .strictObject({ ...FlagStatePatch.shape, comment })
  .meta({ id: 'EnvironmentStatePatch', description: 'JSON merge patch' })

const Timestamps = { createdAt: z.iso.datetime(), updatedAt: z.iso.datetime() }

export const Flag = z
  .strictObject({
    id: z.string(),
    key: FlagKey,
    valueType: ValueType,
    ...definition,
    seed: z
      .string()
      .meta({ description: 'What decides the buckets of this flag; the same in every environment' }),
    archived: z.boolean(),
    ...Timestamps,
  })
  .meta({ id: 'Flag', description: 'The definition of a flag, which belongs to a project' })
export type Flag = z.infer<typeof Flag>

export const FlagInEnvironment = z
  .strictObject({ ...Flag.shape, environment: z.string(), ...state })
  .meta({ id: 'FlagInEnvironment', description: 'A flag with its state in one environment' })
export type FlagInEnvironment = z.infer<typeof FlagInEnvironment>
