import { and, eq, sql } from 'drizzle-orm'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import { compilerVersion } from '../workers/control/publication/compile.ts'
import type { EnvironmentScope } from '../workers/control/ports.ts'
import type { Database } from '../workers/control/store/database.ts'
import { environments, organizations, projects } from '../workers/control/store/schema.ts'

/** An environment as its operator sees it. */
export interface OperatedEnvironment extends EnvironmentScope {
  /** `organization/project/environment`. */
  readonly place: string
  readonly version: string
  /** null: it was never published. */
  readonly published: PublishedHead | null
  /** Versions that the hub has not confirmed. */
  readonly waiting: number
  readonly isEpochRequired: boolean
  /** RFC 3339; null while its changes are published. */
  readonly frozenSince: string | null
  /** Published versions that were not yet compiled again, and that then gave something else. */
  readonly unverified: number
  readonly differing: number
  /** When the oldest of the former was published, RFC 3339; null if there is none. */
  readonly unverifiedSince: string | null
}

interface PublishedHead {
  readonly version: string
  /** null: from before it was noted. */
  readonly kid: string | null
  readonly compiler: number
}

/** Every environment of every tenant, by place. */
export async function listEnvironments(db: Database): Promise<readonly OperatedEnvironment[]> {
  const listed: OperatedEnvironment[] = []
  for (const orgId of await db.listOrganizations()) {
    const [rows] = await db.read(orgId, (read) => [selectOperated(read, orgId)]) // oxlint-disable-line no-await-in-loop -- each is a transaction under its tenant
    listed.push(...rows.map(toOperated))
  }
  return listed.toSorted((a, b) => (a.place < b.place ? -1 : 1))
}

/** Whether it was last published by this compiler, and by this key if one is named. */
export function isUpToDate({ published }: OperatedEnvironment, kid: string | undefined): boolean {
  if (!published) return true // its first publication will be
  return published.compiler === compilerVersion && (kid === undefined || published.kid === kid)
}

const ofHeads = sql`from heads h where h.org_id = environments.org_id and h.environment_id = environments.id`
const published = sql<PublishedHead | null>`(
  select json_build_object('version', h.epoch || '.' || h.version, 'kid', h.kid, 'compiler', h.compiler)
  ${ofHeads} order by h.epoch desc, h.version desc limit 1)`
const waiting = sql<number>`(
  select count(*)::int from outbox o where o.org_id = environments.org_id and o.environment_id = environments.id)`
const unverified = sql<number>`(select count(*)::int ${ofHeads} and h.verified_at is null)`
const unverifiedSince = sql<string | null>`(select min(h.published_at) ${ofHeads} and h.verified_at is null)`
const differing = sql<number>`(select count(*)::int ${ofHeads} and h.verification = 'differs')`

function selectOperated(read: Parameters<Parameters<Database['read']>[1]>[0], orgId: string) {
  const counts = { published, waiting, unverified, unverifiedSince, differing }
  return read
    .select({ environment: environments, organization: organizations.key, project: projects.key, ...counts })
    .from(environments)
    .innerJoin(projects, and(eq(projects.orgId, environments.orgId), eq(projects.id, environments.projectId)))
    .innerJoin(organizations, eq(organizations.id, environments.orgId))
    .where(eq(environments.orgId, orgId))
}

type Row = Awaited<ReturnType<typeof selectOperated>>[number]

function toOperated({
  environment,
  organization,
  project,
  unverifiedSince: since,
  ...counts
}: Row): OperatedEnvironment {
  return {
    orgId: environment.orgId,
    environmentId: environment.id,
    place: `${organization}/${project}/${environment.key}`,
    version: formatVersion(environment),
    isEpochRequired: environment.epochRequired,
    frozenSince: environment.frozenAt?.toISOString() ?? null,
    ...counts,
    unverifiedSince: since === null ? null : new Date(since).toISOString(),
  }
}
