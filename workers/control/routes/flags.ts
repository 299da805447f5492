import { eq } from 'drizzle-orm'
import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { flags } from '../store/schema.ts'
import { selectFlags, selectProject } from '../store/select.ts'
import { archiveFlag, restoreFlag, updateFlag } from '../usecases/change-flag.ts'
import { createFlag, importFlags } from '../usecases/create-flags.ts'
import { found } from '../usecases/find.ts'
import { etagOf } from '../usecases/precondition.ts'
import { toFlag } from '../usecases/views.ts'
import { flagCondition } from './list-flags.ts'

/** The definitions of flags, which belong to a project. */
export function flagRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.listFlags, async ({ deps, actor, params, query }) => {
    const [projects, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectFlags(db, actor.orgId, params.project, flagCondition(query)).limit(query.limit + 1),
    ])
    found(projects[0], 'project_not_found')
    return { result: toPage(rows, query.limit, { item: toFlag, cursor: (row) => row.key }) }
  })

  serve(app, api.createFlag, async ({ deps, actor, params, body }) =>
    createFlag(deps, actor, params.project, body),
  )

  serve(app, api.importFlags, async ({ deps, actor, params, body }) =>
    importFlags(deps, actor, { ...params, ...body }),
  )

  serve(app, api.getFlag, async ({ deps, actor, params }) => {
    const [projects, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectFlags(db, actor.orgId, params.project, eq(flags.key, params.key)),
    ])
    found(projects[0], 'project_not_found')
    const row = found(rows[0], 'flag_not_found')
    return { result: toFlag(row), etag: etagOf(row.revision) }
  })

  serve(app, api.updateFlag, async ({ deps, actor, params, body, ifMatch }) => {
    const { comment, ...patch } = body
    return updateFlag(deps, actor, { ...params, patch, comment, ifMatch })
  })

  serve(app, api.archiveFlag, async ({ deps, actor, params, ifMatch }) =>
    archiveFlag(deps, actor, { ...params, ifMatch }),
  )

  serve(app, api.restoreFlag, async ({ deps, actor, params, body, ifMatch }) => {
    const { comment, ...patch } = body
    return restoreFlag(deps, actor, { ...params, patch, comment, ifMatch })
  })

  return app
}
