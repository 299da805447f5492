import { eq } from 'drizzle-orm'
import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { layers } from '../store/segment-schema.ts'
import { selectProject } from '../store/select.ts'
import { selectLayers } from '../store/select-segments.ts'
import { found } from '../usecases/find.ts'
import { archiveLayer, createLayer, updateLayer } from '../usecases/layers.ts'
import { etagOf } from '../usecases/precondition.ts'
import { toLayer } from '../usecases/views.ts'
import { layerCondition } from './list-segments.ts'

/** Layers, which belong to a project. */
export function layerRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.listLayers, async ({ deps, actor, params, query }) => {
    const [projects, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectLayers(db, actor.orgId, params.project, layerCondition(query)).limit(query.limit + 1),
    ])
    found(projects[0], 'project_not_found')
    return { result: toPage(rows, query.limit, { item: toLayer, cursor: (row) => row.key }) }
  })

  serve(app, api.createLayer, async ({ deps, actor, params, body }) =>
    createLayer(deps, actor, params.project, body),
  )

  serve(app, api.getLayer, async ({ deps, actor, params }) => {
    const [projects, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectLayers(db, actor.orgId, params.project, eq(layers.key, params.key)),
    ])
    found(projects[0], 'project_not_found')
    const row = found(rows[0], 'layer_not_found')
    return { result: toLayer(row), etag: etagOf(row.revision) }
  })

  serve(app, api.updateLayer, async ({ deps, actor, params, body, ifMatch }) => {
    const { comment, ...patch } = body
    return updateLayer(deps, actor, { ...params, patch, comment, ifMatch })
  })

  serve(app, api.archiveLayer, async ({ deps, actor, params, ifMatch }) =>
    archiveLayer(deps, actor, { ...params, archived: true, ifMatch }),
  )

  serve(app, api.restoreLayer, async ({ deps, actor, params, body, ifMatch }) =>
    archiveLayer(deps, actor, { ...params, archived: false, comment: body.comment, ifMatch }),
  )

  return app
}
