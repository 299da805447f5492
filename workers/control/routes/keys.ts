import { and, eq, gt } from 'drizzle-orm'
import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { readCursor, toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { apiKeys } from '../store/schema.ts'
import { selectKeys, selectProject } from '../store/select.ts'
import { found } from '../usecases/find.ts'
import { createKey, revokeKey } from '../usecases/keys.ts'
import { toKey } from '../usecases/views.ts'

/** API keys of a project. */
export function keyRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.listKeys, async ({ deps, actor, params, query }) => {
    const after = readCursor(query.cursor)
    const condition = and(
      after === undefined ? undefined : gt(apiKeys.id, after),
      actor.environment ? eq(apiKeys.environmentId, actor.environment.id) : undefined,
    )
    const [projects, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectKeys(db, actor.orgId, params.project, condition).limit(query.limit + 1),
    ])
    found(projects[0], 'project_not_found')
    return { result: toPage(rows, query.limit, { item: toKey, cursor: (row) => row.id }) }
  })

  serve(app, api.createKey, async ({ deps, actor, params, body }) =>
    createKey(deps, actor, { project: params.project, key: body }),
  )

  serve(app, api.revokeKey, async ({ deps, actor, params }) => revokeKey(deps, actor, params))

  return app
}
