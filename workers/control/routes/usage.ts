import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import { serve } from '../http/serve.ts'
import { readFlagUsage } from '../usage/flag-usage.ts'
import { listMetrics, readMetric } from '../usage/metrics.ts'
import { listStaleFlags } from '../usage/stale-flags.ts'
import { boundTo } from './bound-to.ts'

/** What is known of the use of flags, and what applications tracked. */
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

  serve(app, api.listMetrics, async ({ deps, actor, params, query }) => ({
    result: await listMetrics(deps, actor, { ...params, ...query }),
  }))

  serve(app, api.getMetric, async ({ deps, actor, params, query }) => ({
    result: await readMetric(deps, actor, { ...params, ...query }),
  }))

  serve(app, api.shortListMetrics, async ({ deps, actor, query }) => ({
    result: await listMetrics(deps, actor, { ...boundTo(actor), ...query }),
  }))

  serve(app, api.shortGetMetric, async ({ deps, actor, params, query }) => ({
    result: await readMetric(deps, actor, { ...boundTo(actor), name: params.name, ...query }),
  }))

  return app
}
