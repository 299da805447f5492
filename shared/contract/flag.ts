import * as z from 'zod'
import { checkCondition, Condition } from './condition.ts'
import { JsonValue } from './json.ts'
import { FlagKey, VariantKey } from './key.ts'
import { AttributePath } from './leaf.ts'
import { limits } from './limits.ts'
import { Moment } from './moment.ts'
import { Serve } from './serve.ts'

export const ValueType = z.enum(['boolean', 'string', 'number', 'json'])
export type ValueType = z.infer<typeof ValueType>

export const FlagKind = z.enum(['release', 'experiment', 'operational', 'permission'])

export const Variant = z
  .strictObject({ key: VariantKey, value: JsonValue })
  .meta({ id: 'Variant', description: 'A named value of the type of the flag' })
export type Variant = z.infer<typeof Variant>

export const Override = z
  .strictObject({
    attribute: AttributePath.default('targetingKey'),
    values: z
      .array(z.union([z.string().max(limits.textLength), z.number(), z.boolean()]))
      .min(1)
      .max(limits.overrideValues),
    variant: VariantKey,
    until: Moment.exactOptional().meta({
      description: 'From this moment on it is as if the override were not there',
    }),
  })
  .meta({ id: 'Override', description: 'Serves a variant to single contexts, before any rule' })

/** Decides buckets. Who moves flags to another project gives theirs along, so that everybody keeps what they get. */
export const Seed = z.string().regex(/^[0-9a-f]{16}$/, '16 hex digits in lower case')

export const Sample = z
  .strictObject({
    by: AttributePath.default('targetingKey'),
    share: z.int().min(0).max(100_000).meta({ description: 'In units of 1/100,000' }),
    seed: Seed.optional().meta({
      description: 'Made with the sample, and kept while its rule is; leave it out for a new one',
    }),
  })
  .meta({
    id: 'Sample',
    description: 'The share of the matching contexts that take the rule; the others go on to the next',
  })
export type Sample = z.infer<typeof Sample>

export const Prerequisite = z
  .strictObject({ flag: FlagKey, variants: z.array(VariantKey).min(1).max(limits.variants) })
  .meta({
    id: 'Prerequisite',
    description: 'Another flag that must give one of these variants, or this flag is off',
  })

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
    sample: Sample.exactOptional(),
    serve: Serve,
  })
  .superRefine(({ when }, context) =>
    checkCondition(when, (message) => context.addIssue({ code: 'custom', path: ['when'], message })),
  )
  .meta({
    id: 'Rule',
    description: 'Serves something to the contexts that match; the first matching rule wins',
  })

const state = {
  enabled: z.boolean().meta({ description: 'The kill switch: off serves the off variant to everyone' }),
  offVariant: VariantKey,
  prerequisites: z.array(Prerequisite).max(limits.prerequisites),
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
  owner: z.string().max(limits.ownerLength).meta({ description: 'Who answers for the flag' }),
  kind: FlagKind,
  temporary: z.boolean().meta({ description: 'Whether the flag is meant to be removed some day' }),
  expiresAt: Moment.nullable().meta({ description: 'From this moment on `onExpiry` holds; null: never' }),
  onExpiry: z.union([z.literal('keep'), z.strictObject({ variant: VariantKey })]).meta({
    description: 'An expired flag goes on as before, or gives this variant everywhere',
  }),
  schema: z
    .record(z.string().max(limits.textLength), JsonValue)
    .nullable()
    .meta({ description: 'A JSON Schema (2020-12) that every value satisfies; null: none' }),
  variants: z.array(Variant).min(1).max(limits.variants),
  clientVisible: z.boolean().meta({ description: 'Whether client (browser) keys may see this flag' }),
}

const comment = z.string().max(500).optional().meta({ description: 'Kept in the audit' })

export const FlagCreate = z
  .strictObject({
    key: FlagKey,
    valueType: ValueType.default('boolean'),
    ...z.strictObject(definition).partial().shape,
    seed: Seed.optional().meta({ description: 'That of a flag which moves here; made new if left out' }),
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

export const FlagRestore = z
  .strictObject({
    ...z.strictObject(definition).partial().shape,
    environments: z.record(z.string().max(64), FlagStatePatch).optional().meta({
      description:
        'Merge patches of the states that the flag was archived with in the named environments; elsewhere it comes back as it was',
    }),
    comment,
  })
  .meta({ id: 'FlagRestore', description: 'What is to be other than it was when the flag was archived' })
export type FlagRestore = z.infer<typeof FlagRestore>

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
