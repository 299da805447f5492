import { eq } from 'drizzle-orm'
import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { segments } from '../store/segment-schema.ts'
import { selectEnvironments, selectProject } from '../store/select.ts'
import { selectSegments, selectSegmentsWithState } from '../store/select-segments.ts'
import {
  archiveSegment,
  restoreSegment,
  updateSegment,
  updateSegmentState,
} from '../usecases/change-segment.ts'
import { createSegment } from '../usecases/create-segment.ts'
import { found } from '../usecases/find.ts'
import { etagOf } from '../usecases/precondition.ts'
import { toSegment, toSegmentInEnvironment, toSegmentState } from '../usecases/views.ts'
import { segmentCondition } from './list-segments.ts'

/** Segments: their definitions belong to a project, their states to its environments. */
export function segmentRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.listSegments, async ({ deps, actor, params, query }) => {
    const [projects, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectSegments(db, actor.orgId, params.project, segmentCondition(query)).limit(query.limit + 1),
    ])
    found(projects[0], 'project_not_found')
    return { result: toPage(rows, query.limit, { item: toSegment, cursor: (row) => row.key }) }
  })

  serve(app, api.createSegment, async ({ deps, actor, params, body }) =>
    createSegment(deps, actor, params.project, body),
  )

  serve(app, api.getSegment, async ({ deps, actor, params }) => {
    const [projects, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectSegments(db, actor.orgId, params.project, eq(segments.key, params.key)),
    ])
    found(projects[0], 'project_not_found')
    const row = found(rows[0], 'segment_not_found')
    return { result: toSegment(row), etag: etagOf(row.revision) }
  })

  serve(app, api.updateSegment, async ({ deps, actor, params, body, ifMatch }) => {
    const { comment, ...patch } = body
    return updateSegment(deps, actor, { ...params, patch, comment, ifMatch })
  })

  serve(app, api.archiveSegment, async ({ deps, actor, params, ifMatch }) =>
    archiveSegment(deps, actor, { ...params, ifMatch }),
  )

  serve(app, api.restoreSegment, async ({ deps, actor, params, body, ifMatch }) => {
    const { comment, ...patch } = body
    return restoreSegment(deps, actor, { ...params, patch, comment, ifMatch })
  })

  serve(app, api.listSegmentStates, async ({ deps, actor, params, query }) => {
    const [projects, environments, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectEnvironments(db, actor.orgId, params.project, params.environment),
      selectSegmentsWithState(db, actor.orgId, params, segmentCondition(query)).limit(query.limit + 1),
    ])
    found(projects[0], 'project_not_found')
    found(environments[0], 'environment_not_found')
    return { result: toPage(rows, query.limit, { item: toSegmentInEnvironment, cursor: (row) => row.key }) }
  })

  serve(app, api.getSegmentState, async ({ deps, actor, params }) => {
    const [projects, environments, rows] = await deps.db.read(actor.orgId, (db) => [
      selectProject(db, actor.orgId, params.project),
      selectEnvironments(db, actor.orgId, params.project, params.environment),
      selectSegmentsWithState(db, actor.orgId, params, eq(segments.key, params.key)),
    ])
    found(projects[0], 'project_not_found')
    found(environments[0], 'environment_not_found')
    const row = found(rows[0], 'segment_not_found')
    return { result: toSegmentState(row.key, row.environment, row), etag: etagOf(row.stateRevision) }
  })

  serve(app, api.updateSegmentState, async ({ deps, actor, params, body, ifMatch }) => {
    const { comment, ...patch } = body
    return updateSegmentState(deps, actor, { ...params, patch, comment, ifMatch })
  })

  return app
}
