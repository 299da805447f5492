import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { readCursor, toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { inPlace, selectEnvironmentViews } from '../store/select-environments.ts'
import { selectProject } from '../store/select.ts'
import { found } from '../usecases/find.ts'
import { createEnvironment, updateEnvironment } from '../usecases/places.ts'
import { etagOf } from '../usecases/precondition.ts'
import { toEnvironment } from '../usecases/views.ts'

/** Environments of a project. */
export function environmentRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.listEnvironments, async ({ deps, actor, params, query }) => {
    const after = readCursor(query.cursor)
    const [parents, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectEnvironmentViews(db, actor.orgId, inPlace(params.project)),
    ])
    found(parents[0], 'project_not_found')
    // At most twenty: cut here rather than in SQL.
    const reachable = rows
      .map(toEnvironment)
      .filter(({ id }) => !actor.environment || id === actor.environment.id)
    const rest = reachable.filter(({ key }) => after === undefined || key > after)
    return { result: toPage(rest, query.limit, { item: (view) => view, cursor: ({ key }) => key }) }
  })

  serve(app, api.createEnvironment, async ({ deps, actor, params, body }) =>
    createEnvironment(deps, actor, { project: params.project, environment: body }),
  )

  serve(app, api.getEnvironment, async ({ deps, actor, params }) => {
    const [parents, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectEnvironmentViews(db, actor.orgId, inPlace(params.project, params.environment)),
    ])
    found(parents[0], 'project_not_found')
    const row = found(rows[0], 'environment_not_found')
    return { result: toEnvironment(row), etag: etagOf(row.environment.revision) }
  })

  serve(app, api.updateEnvironment, async ({ deps, actor, params, body, ifMatch }) =>
    updateEnvironment(deps, actor, { ...params, patch: body, ifMatch }),
  )

  return app
}
