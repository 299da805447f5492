import { and, eq, or, sql, type SQL } from 'drizzle-orm'
import { installation } from './publication-schema.ts'
import { environments, projects } from './schema.ts'
import { byText, type Selecting } from './select.ts'

/** An environment, what of it is published, and the switch of the installation. */
export type EnvironmentViewRow = Awaited<ReturnType<typeof selectEnvironmentViews>>[number]

const published = sql<string | null>`(
  select h.epoch || '.' || h.version from heads h
  where h.org_id = environments.org_id and h.environment_id = environments.id
  order by h.epoch desc, h.version desc limit 1)`

/** Environments by key, each as the API shows it. */
export function selectEnvironmentViews(db: Selecting, orgId: string, condition: SQL | undefined) {
  return db
    .select({ environment: environments, installation, published })
    .from(environments)
    .innerJoin(projects, and(eq(projects.orgId, environments.orgId), eq(projects.id, environments.projectId)))
    .leftJoin(installation, sql`true`)
    .where(and(eq(environments.orgId, orgId), condition))
    .orderBy(byText(environments.key))
}

/** Those of a project, or the one that is named. */
export function inPlace(project: string, environment?: string): SQL | undefined {
  return and(
    or(eq(projects.key, project), eq(projects.id, project)),
    environment === undefined
      ? undefined
      : or(eq(environments.key, environment), eq(environments.id, environment)),
  )
}
