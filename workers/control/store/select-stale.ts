/** Flags that may have done their work, told from the usage of their last days. */
import { sql, type SQL } from 'drizzle-orm'
import type { ReadDb } from './database.ts'

export interface StalePlace {
  readonly orgId: string
  readonly projectId: string
  readonly environmentId: string
}

export interface StaleSpan {
  readonly now: Date
  /** The start of the days that are looked at. */
  readonly since: Date
}

/** Times are epoch seconds. */
export type StaleRow = {
  readonly key: string
  readonly name: string
  readonly kind: 'release' | 'experiment' | 'operational' | 'permission'
  readonly created_sec: number
  readonly expires_sec: number | null
  readonly evaluated_sec: number | null
  readonly delivered_sec: number | null
  readonly is_expired: boolean
  readonly is_unused: boolean
  readonly has_one_variant: boolean
  readonly variant: string | null
}

export type StaleSummary = {
  readonly observed_sec: number | null
  readonly permanent: number
  readonly young: number
}

interface Page {
  readonly after: string | undefined
  readonly limit: number
}

/** The flags that there is a reason to name, by key. */
export function selectStale(db: ReadDb, asked: StalePlace & StaleSpan, { after, limit }: Page) {
  return db.execute<StaleRow>(sql`${judged(asked)}
    select key, name, kind, is_expired, is_unused, has_one_variant, variant,
      extract(epoch from created_at)::float8 as created_sec, extract(epoch from expires_at)::float8 as expires_sec,
      extract(epoch from last_evaluated_at)::float8 as evaluated_sec,
      extract(epoch from last_delivered_at)::float8 as delivered_sec
    from judged, lateral (
      select max(u.last_evaluated_at) as last_evaluated_at, max(u.last_delivered_at) as last_delivered_at
      from usage_rollups u
      where u.org_id = ${asked.orgId} and u.environment_id = ${asked.environmentId} and u.flag_id = judged.id) as last
    where (is_expired or is_unused or has_one_variant)
      ${after === undefined ? sql.empty() : sql`and key collate "C" > ${after}`}
    order by key collate "C" limit ${limit}`)
}

/** Since when the environment was observed, and how many flags are not judged by their usage. */
export function selectStaleSummary(db: ReadDb, asked: StalePlace & StaleSpan) {
  return db.execute<StaleSummary>(sql`${judged(asked)}
    select (select extract(epoch from since)::float8 from observed) as observed_sec,
      count(*) filter (where is_permanent)::int as permanent,
      count(*) filter (where not is_permanent and is_young)::int as young
    from judged`)
}

/**
 * Every live flag with what is said of it. Of flags that are too young, or of an environment that was not observed for
 * long enough, nothing is said by their usage; nor that one is unused which others refer to. A reference to a flag is a
 * member "flag" of a state, which is kept as the JSON text that was written.
 */
function judged({ orgId, projectId, environmentId, now, since }: StalePlace & StaleSpan): SQL {
  return sql`with observed as (
      select min(hour) as since from usage_rollups where org_id = ${orgId} and environment_id = ${environmentId}),
    recent as (
      select flag_id, count(distinct variant) as variants, min(variant) as variant from usage_rollups
      where org_id = ${orgId} and environment_id = ${environmentId} and hour >= ${since.toISOString()}::timestamptz
      group by flag_id),
    states as (
      select s.state::text as text from flag_states s join flags f on f.org_id = s.org_id and f.id = s.flag_id
      where s.org_id = ${orgId} and s.environment_id = ${environmentId} and f.archived_at is null
      union all
      select s.state::text from segment_states s join segments g on g.org_id = s.org_id and g.id = s.segment_id
      where s.org_id = ${orgId} and s.environment_id = ${environmentId} and g.archived_at is null),
    referred as (select distinct (regexp_matches(text, '"flag":"([^"]+)"', 'g'))[1] as key from states),
    facts as (
      select f.*, r.variants, r.variant,
        f.kind in ('operational', 'permission') and not f.temporary as is_permanent,
        f.created_at > ${since.toISOString()}::timestamptz
          or coalesce(o.since > ${since.toISOString()}::timestamptz, true) as is_young,
        f.expires_at is not null and f.expires_at <= ${now.toISOString()}::timestamptz as is_expired
      from flags f cross join observed o left join recent r on r.flag_id = f.id
      where f.org_id = ${orgId} and f.project_id = ${projectId} and f.archived_at is null),
    judged as (
      select facts.*, not is_permanent and not is_young and variants is null
          and key not in (select key from referred) as is_unused,
        not is_permanent and not is_young and coalesce(variants = 1 and variant <> '', false) and exists (
          select 1 from usage_rollups u where u.org_id = ${orgId} and u.environment_id = ${environmentId}
            and u.flag_id = facts.id and u.hour <= ${since.toISOString()}::timestamptz) as has_one_variant
      from facts)`
}
