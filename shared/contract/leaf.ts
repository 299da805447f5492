import * as z from 'zod'
import { FlagKey, SegmentKey, VariantKey } from './key.ts'
import { limits } from './limits.ts'
import { Moment } from './moment.ts'

/** Where a comparison has its operand, and what that may be, in words. */
export interface Operand {
  readonly member: 'value' | 'values'
  readonly form: string
}

/** The attribute of time operators may be the clock, of all others not. */
const clock = '$now'
const path = z.string().min(1).max(200)

export const AttributePath = path
  .refine((name) => name !== clock, `"${clock}" is for before, after, within, weekdayIn and timeOfDayIn only`)
  .meta({
    description: 'A path of names joined by dots; `targetingKey` is who is evaluated for',
    examples: ['country'],
  })
const TimePath = path.meta({
  description: `A path of names joined by dots, or \`${clock}\`, the moment of the evaluation`,
  examples: [clock],
})

const Text = z.string().max(limits.textLength)
const Scalar = z.union([Text, z.number(), z.boolean()], { error: 'must be a text, a number or a boolean' })
const Version = z.string().min(1).max(limits.patternLength)
const list = <Item extends z.ZodType>(item: Item) => z.array(item).min(1).max(limits.leafValues)
const pair = <Item extends z.ZodType>(item: Item) => z.array(item).length(2)

const plain = {
  attribute: AttributePath,
  negate: z
    .boolean()
    .exactOptional()
    .meta({ description: 'Inverts the comparison; a missing attribute still does not match' }),
}
const folding = {
  ...plain,
  ignoreCase: z.boolean().exactOptional().meta({ description: 'Compares texts by their folded form' }),
}
const timed = { ...plain, attribute: TimePath }
const zoned = {
  ...timed,
  zone: z
    .string()
    .min(1)
    .max(64)
    .exactOptional()
    .meta({ description: 'An IANA time zone; UTC if left out', examples: ['Europe/Berlin'] }),
}
const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const
const types = ['string', 'number', 'boolean', 'list', 'object'] as const
const TimeOfDay = z
  .string()
  .regex(/^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$/, 'HH:MM or HH:MM:SS, from 00:00 to 23:59:59')

/** A comparison of one attribute. What operands mean beyond their form is the engine's to refuse. */
export const Leaf = z
  .discriminatedUnion('op', [
    z.strictObject({ ...folding, op: z.literal('eq'), value: Scalar }),
    z.strictObject({ ...folding, op: z.enum(['in', 'hasAny', 'hasAll', 'hasNone']), values: list(Scalar) }),
    z.strictObject({
      ...folding,
      op: z.enum(['contains', 'startsWith', 'endsWith']),
      values: list(Text.min(1)),
    }),
    z.strictObject({
      ...plain,
      op: z.literal('matches'),
      value: z.string().min(1).max(limits.patternLength).meta({ description: 'An RE2 pattern' }),
    }),
    z.strictObject({ ...plain, op: z.enum(['gt', 'gte', 'lt', 'lte']), value: z.number() }),
    z.strictObject({ ...plain, op: z.enum(['between', 'modulo']), values: pair(z.number()) }),
    z.strictObject({
      ...plain,
      op: z.enum(['semverEq', 'semverGt', 'semverGte', 'semverLt', 'semverLte', 'semverRange']),
      value: Version,
    }),
    z.strictObject({ ...timed, op: z.enum(['before', 'after']), value: Moment }),
    z.strictObject({ ...timed, op: z.literal('within'), values: pair(Moment) }),
    z.strictObject({ ...zoned, op: z.literal('weekdayIn'), values: z.array(z.enum(days)).min(1).max(7) }),
    z.strictObject({ ...zoned, op: z.literal('timeOfDayIn'), values: pair(TimeOfDay) }),
    z.strictObject({
      ...plain,
      op: z.enum(['sizeEq', 'sizeGt', 'sizeLt']),
      value: z.int().min(0).max(1_000_000),
    }),
    z.strictObject({
      ...plain,
      op: z.literal('inCidr'),
      values: list(z.string().min(1).max(64)),
    }),
    z.strictObject({ ...plain, op: z.literal('exists') }),
    z.strictObject({ ...plain, op: z.literal('isType'), values: z.array(z.enum(types)).min(1).max(5) }),
  ])
  .meta({ id: 'Leaf', description: 'One comparison of one attribute; types are never coerced' })

const one = (form: string) => ({ member: 'value', form }) as const
const many = (form: string) => ({ member: 'values', form }) as const
const some = `a list of 1 to ${limits.leafValues.toLocaleString('en')}`
const scalars = many(`${some} texts, numbers or booleans`)
const texts = many(`${some} texts`)
const number = one('one number')
const version = one('one version, such as "1.4.0"')
const moment = one('one date and time with its offset, such as "2026-11-20T12:00:00Z", or epoch milliseconds')
const size = one('one whole number from 0 to 1,000,000')

/** The operand of each operator, for whoever explains a refusal; null: it takes none. */
export const operands: Readonly<Record<z.infer<typeof Leaf>['op'], Operand | null>> = {
  eq: one('one text, number or boolean'),
  in: scalars,
  hasAny: scalars,
  hasAll: scalars,
  hasNone: scalars,
  contains: texts,
  startsWith: texts,
  endsWith: texts,
  matches: one(`one RE2 pattern of 1 to ${limits.patternLength} characters`),
  gt: number,
  gte: number,
  lt: number,
  lte: number,
  between: many('a list of two numbers, the lower first'),
  modulo: many('a list of two numbers, the divisor and the remainder'),
  semverEq: version,
  semverGt: version,
  semverGte: version,
  semverLt: version,
  semverLte: version,
  semverRange: one('one range of versions, such as ">=1.4.0 <2"'),
  before: moment,
  after: moment,
  within: many('a list of two moments, the start and the end'),
  weekdayIn: many(`a list of days, of ${days.join(', ')}`),
  timeOfDayIn: many('a list of two times of day, such as "22:00" and "06:00"'),
  sizeEq: size,
  sizeGt: size,
  sizeLt: size,
  inCidr: many(`${some} ranges of addresses, such as "10.0.0.0/8"`),
  exists: null,
  isType: many(`a list of types, of ${types.join(', ')}`),
}

export const SegmentLeaf = z
  .strictObject({ segment: SegmentKey })
  .meta({ id: 'SegmentLeaf', description: 'Whether the context belongs to a segment' })

export const FlagLeaf = z
  .strictObject({ flag: FlagKey, variants: z.array(VariantKey).min(1).max(limits.variants) })
  .meta({
    id: 'FlagLeaf',
    description: 'Whether another flag gives one of these variants to the same context',
  })
