import * as z from 'zod'
import { endpoint, page, PageQuery } from './endpoint.ts'
import { FlagKind } from './flag.ts'
import { FlagKey } from './key.ts'
import { inEnvironment } from './paths.ts'

const when = z.iso.datetime({ offset: true }).max(40)
const times = { evaluations: z.int(), deliveries: z.int() }
const variant = z.string().nullable().meta({ description: 'null: errors, which give none' })
const lasts = {
  lastEvaluatedAt: z.iso.datetime().nullable(),
  lastDeliveredAt: z.iso.datetime().nullable(),
}

export const UsageQuery = z.strictObject({
  from: when.optional().meta({ description: '30 days before `to` if left out' }),
  to: when.optional().meta({ description: 'now if left out' }),
  by: z.enum(['hour', 'day']).default('day').meta({
    description:
      'Days are of UTC. By the hour at most 7 days are answered, of the last 8; by the day 400. Usage of more than 8 days ago is of whole days',
  }),
})

export const FlagUsage = z
  .strictObject({
    key: FlagKey,
    environment: z.string(),
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    by: z.enum(['hour', 'day']),
    ...times,
    ...lasts,
    variants: z.array(z.strictObject({ variant, ...times })),
    points: z.array(z.strictObject({ at: z.iso.datetime(), variant, ...times })).meta({
      description: 'By the start of the hour or day; those without usage are left out',
    }),
  })
  .meta({
    id: 'FlagUsage',
    description:
      'How often each variant was given. `evaluations` asked for the flag by its key; `deliveries` are answers for all flags that held it, of which nobody may have looked at this one. The last times are of the kept 400 days, whatever is asked for',
  })
export type FlagUsage = z.infer<typeof FlagUsage>

export const staleReasons = ['expired', 'unused', 'one_variant'] as const

export const StaleFlag = z
  .strictObject({
    key: FlagKey,
    name: z.string(),
    kind: FlagKind,
    createdAt: z.iso.datetime(),
    ...lasts,
    reasons: z.array(z.strictObject({ code: z.enum(staleReasons), detail: z.string() })),
  })
  .meta({ id: 'StaleFlag' })
export type StaleFlag = z.infer<typeof StaleFlag>

const StaleFlags = z
  .strictObject({
    ...page(StaleFlag).shape,
    environment: z.string(),
    observedSince: z.iso.datetime().nullable().meta({
      description: 'The first usage that is kept of this environment; null: nothing was ever counted',
    }),
    leftOut: z
      .strictObject({ permanent: z.int(), young: z.int() })
      .meta({ description: 'How many flags are not judged by their usage, and why' }),
  })
  .meta({
    id: 'StaleFlags',
    description:
      '`expired`: its moment has passed. `unused`: for 30 days neither evaluated nor delivered. `one_variant`: for 30 days the same variant to everyone. The last two are said of flags that are at least 30 days old, if usage was counted for that long, and not of permanent ones: operational and permission flags that are not temporary',
  })

const flagUsage = {
  method: 'GET',
  summary: 'How often each variant of a flag was given',
  role: 'viewer',
  query: UsageQuery,
  result: FlagUsage,
} as const
const staleFlags = {
  method: 'GET',
  summary: 'List flags that may have done their work, and why',
  role: 'viewer',
  query: PageQuery,
  result: StaleFlags,
} as const

/** What is known of the use of flags, each also in its short form. */
export const usageEndpoints = {
  getFlagUsage: endpoint({ ...flagUsage, path: `${inEnvironment}/flags/:key/usage`, tag: 'Usage' }),
  listStaleFlags: endpoint({ ...staleFlags, path: `${inEnvironment}/stale-flags`, tag: 'Usage' }),
  shortGetFlagUsage: endpoint({ ...flagUsage, path: '/flags/:key/usage', tag: 'Short forms' }),
  shortListStaleFlags: endpoint({ ...staleFlags, path: '/stale-flags', tag: 'Short forms' }),
} as const
