import { eq } from 'drizzle-orm'
import { Hono } from 'hono'
import { api } from '../../../shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { flags } from '../store/schema.ts'
import { selectEnvironments, selectFlags, selectFlagsWithState, selectProject } from '../store/select.ts'
import { archiveFlag, toggleFlag, updateFlag, updateFlagState } from '../usecases/change-flag.ts'
import { createFlag, importFlags } from '../usecases/create-flags.ts'
import { found } from '../usecases/find.ts'
import { etagOf } from '../usecases/precondition.ts'
import { toFlag, toFlagInEnvironment, toFlagState } from '../usecases/views.ts'
import { flagCondition } from './list-flags.ts'

/** Flags of a project, and their states in its environments. */
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
    archiveFlag(deps, actor, { ...params, archived: true, ifMatch }),
  )

  serve(app, api.restoreFlag, async ({ deps, actor, params, body, ifMatch }) =>
    archiveFlag(deps, actor, { ...params, archived: false, comment: body.comment, ifMatch }),
  )

  serve(app, api.listFlagStates, async ({ deps, actor, params, query }) => {
    const [projects, environments, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectEnvironments(db, actor.orgId, params.project, params.environment),
      selectFlagsWithState(db, actor.orgId, params, flagCondition(query)).limit(query.limit + 1),
    ])
    found(projects[0], 'project_not_found')
    found(environments[0], 'environment_not_found')
    return { result: toPage(rows, query.limit, { item: toFlagInEnvironment, cursor: (row) => row.key }) }
  })

  serve(app, api.getFlagState, async ({ deps, actor, params }) => {
    const [projects, environments, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectEnvironments(db, actor.orgId, params.project, params.environment),
      selectFlagsWithState(db, actor.orgId, params, eq(flags.key, params.key)),
    ])
    found(projects[0], 'project_not_found')
    found(environments[0], 'environment_not_found')
    const row = found(rows[0], 'flag_not_found')
    return { result: toFlagState(row.key, row.environment, row), etag: etagOf(row.stateRevision) }
  })

  serve(app, api.updateFlagState, async ({ deps, actor, params, body, ifMatch }) => {
    const { comment, ...patch } = body
    return updateFlagState(deps, actor, { ...params, patch, comment, ifMatch })
  })

  serve(app, api.toggleFlag, async ({ deps, actor, params, body }) =>
    toggleFlag(deps, actor, { ...params, ...body }),
  )

  return app
}
