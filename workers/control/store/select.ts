/** The selections that more than one use case or route makes, over a transaction or a read batch alike. */
import { and, asc, eq, getTableColumns, or, sql, type SQL } from 'drizzle-orm'
import type { Variant } from '@halyard/shared/engine/model.ts'
import type { ReadDb } from './database.ts'
import { apiKeys, environments, flags, flagStates, projects } from './schema.ts'

export type Selecting = Pick<ReadDb, 'select'>

/** A resource is addressed by its key or its id. */
export function selectProject(db: Selecting, orgId: string, keyOrId: string) {
  return db
    .select()
    .from(projects)
    .where(and(eq(projects.orgId, orgId), or(eq(projects.key, keyOrId), eq(projects.id, keyOrId))))
}

/** The environments of a project by key, or the one that is named. */
export function selectEnvironments(db: Selecting, orgId: string, project: string, keyOrId?: string) {
  return db
    .select(getTableColumns(environments))
    .from(environments)
    .innerJoin(projects, and(eq(projects.orgId, environments.orgId), eq(projects.id, environments.projectId)))
    .where(
      and(
        eq(environments.orgId, orgId),
        or(eq(projects.key, project), eq(projects.id, project)),
        keyOrId === undefined ? undefined : or(eq(environments.key, keyOrId), eq(environments.id, keyOrId)),
      ),
    )
    .orderBy(byText(environments.key))
}

const variantsOfFlag = sql<Variant[]>`(
  select coalesce(json_agg(json_build_object('key', v.key, 'value', v.value) order by v.position), '[]'::json)
  from variants v where v.org_id = flags.org_id and v.flag_id = flags.id)`

export const flagColumns = { ...getTableColumns(flags), variants: variantsOfFlag }
export type FlagRow = typeof flags.$inferSelect & { variants: Variant[] }

/** Flags of a project by key, with their variants. */
export function selectFlags(db: Selecting, orgId: string, project: string, condition?: SQL) {
  return db
    .select(flagColumns)
    .from(flags)
    .innerJoin(projects, and(eq(projects.orgId, flags.orgId), eq(projects.id, flags.projectId)))
    .where(and(eq(flags.orgId, orgId), or(eq(projects.key, project), eq(projects.id, project)), condition))
    .orderBy(byText(flags.key))
}

const stateColumns = {
  environmentId: flagStates.environmentId,
  flagId: flagStates.flagId,
  state: flagStates.state,
  stateRevision: flagStates.revision,
  stateUpdatedAt: flagStates.updatedAt,
}
export type StateRow = Awaited<ReturnType<typeof selectStates>>[number]

/** The states of a flag, in every environment or in one. */
export function selectStates(db: Selecting, orgId: string, flagId: string, environmentId?: string) {
  return db
    .select(stateColumns)
    .from(flagStates)
    .where(
      and(
        eq(flagStates.orgId, orgId),
        eq(flagStates.flagId, flagId),
        environmentId === undefined ? undefined : eq(flagStates.environmentId, environmentId),
      ),
    )
}

/** Flags with their state in one environment. */
export function selectFlagsWithState(db: Selecting, orgId: string, at: EnvironmentPath, condition?: SQL) {
  return db
    .select({ ...flagColumns, ...stateColumns, environment: environments.key })
    .from(flags)
    .innerJoin(projects, and(eq(projects.orgId, flags.orgId), eq(projects.id, flags.projectId)))
    .innerJoin(
      environments,
      and(eq(environments.orgId, flags.orgId), eq(environments.projectId, projects.id)),
    )
    .innerJoin(
      flagStates,
      and(
        eq(flagStates.orgId, flags.orgId),
        eq(flagStates.flagId, flags.id),
        eq(flagStates.environmentId, environments.id),
      ),
    )
    .where(
      and(
        eq(flags.orgId, orgId),
        or(eq(projects.key, at.project), eq(projects.id, at.project)),
        or(eq(environments.key, at.environment), eq(environments.id, at.environment)),
        condition,
      ),
    )
    .orderBy(byText(flags.key))
}

export interface EnvironmentPath {
  readonly project: string
  readonly environment: string
}

export type FlagWithStateRow = FlagRow & StateRow & { environment: string }

/** Keys of a project, oldest first. */
export function selectKeys(db: Selecting, orgId: string, project: string, condition?: SQL) {
  return db
    .select({ ...getTableColumns(apiKeys), environment: environments.key })
    .from(apiKeys)
    .innerJoin(projects, and(eq(projects.orgId, apiKeys.orgId), eq(projects.id, apiKeys.projectId)))
    .leftJoin(
      environments,
      and(eq(environments.orgId, apiKeys.orgId), eq(environments.id, apiKeys.environmentId)),
    )
    .where(and(eq(apiKeys.orgId, orgId), or(eq(projects.key, project), eq(projects.id, project)), condition))
    .orderBy(asc(apiKeys.id))
}

/** By code unit, whatever the collation of the database. */
export function byText(column: SQL | { getSQL(): SQL }): SQL {
  return sql`${column} collate "C"`
}

/** The rows after a cursor that is the text the last page ended with. */
export function afterText(column: { getSQL(): SQL }, cursor: string | undefined): SQL | undefined {
  return cursor === undefined ? undefined : sql`${column} collate "C" > ${cursor}`
}
