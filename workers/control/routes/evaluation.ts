import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { serve } from '../http/serve.ts'
import { evaluateCommitted, explainCommitted } from '../usecases/evaluate.ts'

/** Decisions on committed state. */
export function evaluationRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.evaluate, async ({ deps, actor, params, body }) => ({
    result: await evaluateCommitted(deps, actor, { ...params, ...body }),
  }))

  serve(app, api.explainFlag, async ({ deps, actor, params, query }) => ({
    result: await explainCommitted(deps, actor, {
      ...params,
      context: query.targetingKey === undefined ? {} : { targetingKey: query.targetingKey },
    }),
  }))

  serve(app, api.explainFlagFor, async ({ deps, actor, params, body }) => ({
    result: await explainCommitted(deps, actor, { ...params, context: body.context }),
  }))

  return app
}
