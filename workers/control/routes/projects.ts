import { and, eq } from 'drizzle-orm'
import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { readCursor, toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { projects } from '../store/schema.ts'
import { afterText, byText, selectProject } from '../store/select.ts'
import { found } from '../usecases/find.ts'
import { createProject, updateProject } from '../usecases/places.ts'
import { etagOf } from '../usecases/precondition.ts'
import { toProject } from '../usecases/views.ts'

/** Projects, and who the token is. */
export function projectRoutes() {
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

  return app
}
