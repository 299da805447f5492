import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { serve } from '../http/serve.ts'
import { freezeEnvironment, unfreezeEnvironment } from '../usecases/freeze.ts'

/** The switch that stops the publishing of an environment. */
export function freezeRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.freezeEnvironment, async ({ deps, actor, params, body, ifMatch }) =>
    freezeEnvironment(deps, actor, { ...params, ...body, ifMatch }),
  )

  serve(app, api.unfreezeEnvironment, async ({ deps, actor, params, body, ifMatch }) =>
    unfreezeEnvironment(deps, actor, { ...params, ...body, ifMatch }),
  )

  return app
}
