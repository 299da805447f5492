import { eq } from 'drizzle-orm'
import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { flags } from '../store/schema.ts'
import { selectFlagsWithState } from '../store/select.ts'
import { archiveFlagIn, toggleFlagIn, updateFlagIn } from '../usecases/change-flag.ts'
import { createFlagIn } from '../usecases/create-flags.ts'
import { evaluateCommitted, explainCommitted } from '../usecases/evaluate.ts'
import { found } from '../usecases/find.ts'
import { etagOf } from '../usecases/precondition.ts'
import { toFlagInEnvironment } from '../usecases/views.ts'
import { boundTo } from './bound-to.ts'
import { flagCondition } from './list-flags.ts'

/** The same operations without naming project and environment, for a token that is bound to one of each. */
export function shortFormRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.shortListFlags, async ({ deps, actor, query }) => {
    const at = boundTo(actor)
    const [rows] = await deps.db.read(actor.orgId, (db) => [
      selectFlagsWithState(db, actor.orgId, at, flagCondition(query)).limit(query.limit + 1),
    ])
    return { result: toPage(rows, query.limit, { item: toFlagInEnvironment, cursor: (row) => row.key }) }
  })

  serve(app, api.shortCreateFlag, async ({ deps, actor, body }) =>
    createFlagIn(deps, actor, boundTo(actor), body),
  )

  serve(app, api.shortGetFlag, async ({ deps, actor, params }) => {
    const at = boundTo(actor)
    const [rows] = await deps.db.read(actor.orgId, (db) => [
      selectFlagsWithState(db, actor.orgId, at, eq(flags.key, params.key)),
    ])
    const row = found(rows[0], 'flag_not_found')
    return { result: toFlagInEnvironment(row), etag: etagOf(row.revision, row.stateRevision) }
  })

  serve(app, api.shortUpdateFlag, async ({ deps, actor, params, body, ifMatch }) =>
    updateFlagIn(deps, actor, {
      ...boundTo(actor),
      key: params.key,
      patch: body,
      comment: body.comment,
      ifMatch,
    }),
  )

  serve(app, api.shortArchiveFlag, async ({ deps, actor, params, ifMatch }) =>
    archiveFlagIn(deps, actor, { ...boundTo(actor), key: params.key, ifMatch }),
  )

  serve(app, api.shortToggleFlag, async ({ deps, actor, params, body, ifMatch }) =>
    toggleFlagIn(deps, actor, { ...boundTo(actor), key: params.key, ...body, ifMatch }),
  )

  serve(app, api.shortEvaluate, async ({ deps, actor, body }) => ({
    result: await evaluateCommitted(deps, actor, { ...boundTo(actor), ...body }),
  }))

  serve(app, api.shortExplain, async ({ deps, actor, params, query }) => ({
    result: await explainCommitted(deps, actor, {
      ...boundTo(actor),
      key: params.key,
      context: { targetingKey: query.user_id },
    }),
  }))

  return app
}
