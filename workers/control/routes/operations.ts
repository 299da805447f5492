import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { serve } from '../http/serve.ts'
import { explainCommitted } from '../usecases/evaluate.ts'
import { operateOnFlag, operateOnFlagIn, overrideDeed, rolloutDeed } from '../usecases/operate-flag.ts'
import { boundTo } from './bound-to.ts'

/** Rollouts, overrides and explanations. */
export function operationRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.rolloutFlag, async ({ deps, actor, params, body, ifMatch }) =>
    operateOnFlag(deps, actor, { ...params, ifMatch, deed: rolloutDeed(body) }),
  )

  serve(app, api.overrideFlag, async ({ deps, actor, params, body, ifMatch }) =>
    operateOnFlag(deps, actor, { ...params, ifMatch, deed: overrideDeed(body) }),
  )

  serve(app, api.explainFlag, async ({ deps, actor, params, query }) => ({
    result: await explainCommitted(deps, actor, { ...params, ...questionOf(query) }),
  }))

  serve(app, api.explainFlagFor, async ({ deps, actor, params, body }) => ({
    result: await explainCommitted(deps, actor, { ...params, ...body }),
  }))

  serve(app, api.shortRolloutFlag, async ({ deps, actor, params, body, ifMatch }) =>
    operateOnFlagIn(deps, actor, { ...boundTo(actor), key: params.key, ifMatch, deed: rolloutDeed(body) }),
  )

  serve(app, api.shortOverrideFlag, async ({ deps, actor, params, body, ifMatch }) =>
    operateOnFlagIn(deps, actor, { ...boundTo(actor), key: params.key, ifMatch, deed: overrideDeed(body) }),
  )

  serve(app, api.shortExplainFlag, async ({ deps, actor, params, query }) => ({
    result: await explainCommitted(deps, actor, {
      ...boundTo(actor),
      key: params.key,
      ...questionOf(query),
    }),
  }))

  serve(app, api.shortExplainFlagFor, async ({ deps, actor, params, body }) => ({
    result: await explainCommitted(deps, actor, { ...boundTo(actor), key: params.key, ...body }),
  }))

  return app
}

function questionOf<Query extends { readonly targetingKey?: string | undefined }>({
  targetingKey,
  ...asked
}: Query) {
  return { ...asked, context: targetingKey === undefined ? {} : { targetingKey } }
}
