import { and, eq } from 'drizzle-orm'
import { Hono } from 'hono'
import { api } from '../../../shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { readCursor, toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { projects } from '../store/schema.ts'
import { afterText, byText, selectEnvironments, selectProject } from '../store/select.ts'
import { found } from '../usecases/find.ts'
import { createEnvironment, createProject, updateEnvironment, updateProject } from '../usecases/places.ts'
import { etagOf } from '../usecases/precondition.ts'
import { toEnvironment, toProject } from '../usecases/views.ts'

/** Projects and their environments, and who the token is. */
export function placeRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.whoami, async ({ actor }) => ({
    result: {
      key: actor.keyId,
      organization: actor.orgKey,
      project: actor.project?.key ?? null,
      environment: actor.environment?.key ?? null,
      role: actor.role,
    },
  }))

  serve(app, api.listProjects, async ({ deps, actor, query }) => {
    const { orgId, project } = actor
    const after = readCursor(query.cursor)
    const [rows] = await deps.db.read(orgId, (db) => [
      db
        .select()
        .from(projects)
        .where(
          and(
            eq(projects.orgId, orgId),
            project ? eq(projects.id, project.id) : undefined,
            afterText(projects.key, after),
          ),
        )
        .orderBy(byText(projects.key))
        .limit(query.limit + 1),
    ])
    return { result: toPage(rows, query.limit, { item: toProject, cursor: (row) => row.key }) }
  })

  serve(app, api.createProject, async ({ deps, actor, body }) => createProject(deps, actor, body))

  serve(app, api.getProject, async ({ deps, actor, params }) => {
    const [rows] = await deps.db.read(actor.orgId, (db) => [selectProject(db, actor.orgId, params.project)])
    const row = found(rows[0], 'project_not_found')
    return { result: toProject(row), etag: etagOf(row.revision) }
  })

  serve(app, api.updateProject, async ({ deps, actor, params, body, ifMatch }) =>
    updateProject(deps, actor, { project: params.project, patch: body, ifMatch }),
  )

  serve(app, api.listEnvironments, async ({ deps, actor, params, query }) => {
    const after = readCursor(query.cursor)
    const [parents, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectEnvironments(db, actor.orgId, params.project),
    ])
    found(parents[0], 'project_not_found')
    // At most twenty: cut here rather than in SQL.
    const reachable = rows.filter((row) => !actor.environment || row.id === actor.environment.id)
    const rest = reachable.filter((row) => after === undefined || row.key > after)
    return { result: toPage(rest, query.limit, { item: toEnvironment, cursor: (row) => row.key }) }
  })

  serve(app, api.createEnvironment, async ({ deps, actor, params, body }) =>
    createEnvironment(deps, actor, { project: params.project, environment: body }),
  )

  serve(app, api.getEnvironment, async ({ deps, actor, params }) => {
    const [parents, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectEnvironments(db, actor.orgId, params.project, params.environment),
    ])
    found(parents[0], 'project_not_found')
    const row = found(rows[0], 'environment_not_found')
    return { result: toEnvironment(row), etag: etagOf(row.revision) }
  })

  serve(app, api.updateEnvironment, async ({ deps, actor, params, body, ifMatch }) =>
    updateEnvironment(deps, actor, { ...params, patch: body, ifMatch }),
  )

  return app
}
