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
  /** The start of the days that are looked at: of a day, since what is old is kept by the day. */
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

/**
 * The flags that there is a reason to name, by key. Flags are judged in that order until the page is full, and when one
 * was used last is looked up for those on it.
 */
export function selectStale(db: ReadDb, asked: StalePlace & StaleSpan, { after, limit }: Page) {
  return db.execute<StaleRow>(sql`with ${live(asked)}, ${judged(asked, after ?? '')}, page as materialized (
      select * from judged where is_expired or is_unused or has_one_variant order by place limit ${limit})
    select key, name, kind, is_expired, is_unused, has_one_variant, variant,
      extract(epoch from created_at)::float8 as created_sec, extract(epoch from expires_at)::float8 as expires_sec,
      extract(epoch from last_evaluated_at)::float8 as evaluated_sec,
      extract(epoch from last_delivered_at)::float8 as delivered_sec
    from page, lateral (
      select max(u.last_evaluated_at) as last_evaluated_at, max(u.last_delivered_at) as last_delivered_at
      from usage_rollups u where ${usedIn(asked, sql`page.id`)}) as last
    order by place`)
}

/** Since when the environment was observed, and how many flags are not judged by their usage. */
export function selectStaleSummary(db: ReadDb, asked: StalePlace & StaleSpan) {
  return db.execute<StaleSummary>(sql`with ${live(asked)}
    select (select extract(epoch from since)::float8 from observed) as observed_sec,
      count(*) filter (where is_permanent)::int as permanent,
      count(*) filter (where not is_permanent and is_young)::int as young
    from live`)
}

/**
 * Every live flag. One that is too young, or in an environment that was not observed for long enough, is not judged by
 * its usage. Hours become days some time later, so that what began on the day of `since` may have begun after it.
 */
function live({ orgId, projectId, environmentId, now, since }: StalePlace & StaleSpan): SQL {
  return sql`observed as (
      select min(hour) as since from usage_rollups where org_id = ${orgId} and environment_id = ${environmentId}),
    live as (
      select f.*, f.key collate "C" as place, f.kind in ('operational', 'permission') and not f.temporary as is_permanent,
        f.created_at > ${time(since)} or coalesce(o.since >= ${time(since)}, true) as is_young,
        f.expires_at is not null and f.expires_at <= ${time(now)} as is_expired
      from flags f cross join observed o
      where f.org_id = ${orgId} and f.project_id = ${projectId} and f.archived_at is null
      order by place)`
}

/**
 * What is said of each: first and last, by name, of the variants that it gave lately, and whether it gave any before.
 * Each is found by the index, whose order is flag, variant, hour. Nothing says that a flag is unused which others refer
 * to. A reference to a flag is a member "flag" of a state, which is kept as the JSON text that was written.
 */
function judged(asked: StalePlace & StaleSpan, after: string): SQL {
  const { orgId, environmentId, since } = asked
  const lately = sql`select u.variant from usage_rollups u
    where ${usedIn(asked, sql`live.id`)} and u.hour >= ${time(since)} order by u.variant`
  return sql`states as (
      select s.state::text as text from flag_states s join flags f on f.org_id = s.org_id and f.id = s.flag_id
      where s.org_id = ${orgId} and s.environment_id = ${environmentId} and f.archived_at is null
      union all
      select s.state::text from segment_states s join segments g on g.org_id = s.org_id and g.id = s.segment_id
      where s.org_id = ${orgId} and s.environment_id = ${environmentId} and g.archived_at is null),
    referred as materialized (select distinct (regexp_matches(text, '"flag":"([^"]+)"', 'g'))[1] as key from states),
    used as materialized (
      select live.*, not is_permanent and not is_young as is_judged,
        case when not is_permanent and not is_young then (${lately} limit 1) end as variant,
        case when not is_permanent and not is_young then (${lately} desc limit 1) end as last_variant
      from live where place > ${after}),
    judged as (
      select used.*, is_judged and variant is null and key not in (select key from referred) as is_unused,
        is_judged and coalesce(variant = last_variant and variant <> '', false) and exists (
          select from usage_rollups u where ${usedIn(asked, sql`used.id`)} and u.hour < ${time(since)}) as has_one_variant
      from used)`
}

function usedIn({ orgId, environmentId }: StalePlace, flagId: SQL): SQL {
  return sql`u.org_id = ${orgId} and u.environment_id = ${environmentId} and u.flag_id = ${flagId}`
}

function time(moment: Date): SQL {
  return sql`${moment.toISOString()}::timestamptz`
}
