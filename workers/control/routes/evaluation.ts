import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { serve } from '../http/serve.ts'
import { evaluateCommitted } from '../usecases/evaluate.ts'

/** Decisions on committed state. */
export function evaluationRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.evaluate, async ({ deps, actor, params, body }) => ({
    result: await evaluateCommitted(deps, actor, { ...params, ...body }),
  }))

  return app
}
