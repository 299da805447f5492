/** What is known of the use of flags. Its rows are by flag, hour and variant; an empty variant stands for errors. */
import { and, asc, eq, gte, lt, sql, type SQL } from 'drizzle-orm'
import { usageRollups } from './publication-schema.ts'
import type { Selecting } from './select.ts'

export interface UsagePlace {
  readonly orgId: string
  readonly environmentId: string
  readonly flagId: string
}

export type UsageRow = Awaited<ReturnType<typeof selectUsage>>[number]

const number = (text: SQL) => sql<number>`${text}::float8`.mapWith(Number)

/** By hour or day of UTC and variant, from a moment up to, not including, another. */
export function selectUsage(
  db: Selecting,
  place: UsagePlace,
  { from, to, by }: { readonly from: Date; readonly to: Date; readonly by: 'hour' | 'day' },
) {
  // `by` is one of two words: it is written as it stands, so that both places are one expression.
  const at = sql<number>`extract(epoch from date_trunc('${sql.raw(by)}', ${usageRollups.hour}, 'UTC'))::float8`
  return db
    .select({
      atSec: at.mapWith(Number),
      variant: usageRollups.variant,
      evaluations: number(sql`sum(${usageRollups.evaluations})`),
      deliveries: number(sql`sum(${usageRollups.deliveries})`),
    })
    .from(usageRollups)
    .where(and(of(place), gte(usageRollups.hour, from), lt(usageRollups.hour, to)))
    .groupBy(at, usageRollups.variant)
    .orderBy(asc(at), sql`${usageRollups.variant} collate "C"`)
}

/** When the flag was last evaluated and delivered, as far back as usage is kept. */
export function selectLastUsage(db: Selecting, place: UsagePlace) {
  return db
    .select({
      evaluatedSec: sql<number | null>`extract(epoch from max(${usageRollups.lastEvaluatedAt}))::float8`,
      deliveredSec: sql<number | null>`extract(epoch from max(${usageRollups.lastDeliveredAt}))::float8`,
    })
    .from(usageRollups)
    .where(of(place))
}

function of({ orgId, environmentId, flagId }: UsagePlace): SQL | undefined {
  return and(
    eq(usageRollups.orgId, orgId),
    eq(usageRollups.environmentId, environmentId),
    eq(usageRollups.flagId, flagId),
  )
}
