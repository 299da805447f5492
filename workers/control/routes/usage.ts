import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { serve } from '../http/serve.ts'
import { readFlagUsage } from '../usage/flag-usage.ts'
import { listStaleFlags } from '../usage/stale-flags.ts'
import { boundTo } from './bound-to.ts'

/** What is known of the use of flags. */
export function usageRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.getFlagUsage, async ({ deps, actor, params, query }) => ({
    result: await readFlagUsage(deps, actor, { ...params, ...query }),
  }))

  serve(app, api.listStaleFlags, async ({ deps, actor, params, query }) => ({
    result: await listStaleFlags(deps, actor, { ...params, ...query }),
  }))

  serve(app, api.shortGetFlagUsage, async ({ deps, actor, params, query }) => ({
    result: await readFlagUsage(deps, actor, { ...boundTo(actor), key: params.key, ...query }),
  }))

  serve(app, api.shortListStaleFlags, async ({ deps, actor, query }) => ({
    result: await listStaleFlags(deps, actor, { ...boundTo(actor), ...query }),
  }))

  return app
}
