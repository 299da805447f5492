import { eq } from 'drizzle-orm'
import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { segments } from '../store/segment-schema.ts'
import { selectSegmentsWithState } from '../store/select-segments.ts'
import { archiveSegmentIn, updateSegmentIn } from '../usecases/change-segment.ts'
import { createSegmentIn } from '../usecases/create-segment.ts'
import { found } from '../usecases/find.ts'
import { etagOf } from '../usecases/precondition.ts'
import { toSegmentInEnvironment } from '../usecases/views.ts'
import { boundTo } from './bound-to.ts'
import { segmentCondition } from './list-segments.ts'

/** Segments without naming project and environment, for a token that is bound to one of each. */
export function shortSegmentRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.shortListSegments, async ({ deps, actor, query }) => {
    const at = boundTo(actor)
    const [rows] = await deps.db.read(actor.orgId, (db) => [
      selectSegmentsWithState(db, actor.orgId, at, segmentCondition(query)).limit(query.limit + 1),
    ])
    return { result: toPage(rows, query.limit, { item: toSegmentInEnvironment, cursor: (row) => row.key }) }
  })

  serve(app, api.shortCreateSegment, async ({ deps, actor, body }) =>
    createSegmentIn(deps, actor, boundTo(actor), body),
  )

  serve(app, api.shortGetSegment, async ({ deps, actor, params }) => {
    const at = boundTo(actor)
    const [rows] = await deps.db.read(actor.orgId, (db) => [
      selectSegmentsWithState(db, actor.orgId, at, eq(segments.key, params.key)),
    ])
    const row = found(rows[0], 'segment_not_found')
    return { result: toSegmentInEnvironment(row), etag: etagOf(row.revision, row.stateRevision) }
  })

  serve(app, api.shortUpdateSegment, async ({ deps, actor, params, body, ifMatch }) =>
    updateSegmentIn(deps, actor, { ...boundTo(actor), ...params, patch: body, ifMatch }),
  )

  serve(app, api.shortArchiveSegment, async ({ deps, actor, params, ifMatch }) =>
    archiveSegmentIn(deps, actor, { ...boundTo(actor), ...params, ifMatch }),
  )

  return app
}
