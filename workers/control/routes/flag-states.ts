import { eq } from 'drizzle-orm'
import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { flags } from '../store/schema.ts'
import { selectEnvironments, selectFlagsWithState, selectProject } from '../store/select.ts'
import { toggleFlag, updateFlagState } from '../usecases/change-flag.ts'
import { found } from '../usecases/find.ts'
import { etagOf } from '../usecases/precondition.ts'
import { toFlagInEnvironment, toFlagState } from '../usecases/views.ts'
import { flagCondition } from './list-flags.ts'

/** The states of flags, which belong to an environment. */
export function flagStateRoutes() {
  const app = new Hono<AppEnv>()

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

  serve(app, api.toggleFlag, async ({ deps, actor, params, body, ifMatch }) =>
    toggleFlag(deps, actor, { ...params, ...body, ifMatch }),
  )

  return app
}
