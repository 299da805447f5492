import { makeEdge } from './edge.ts'
import type { EdgeEnv } from './env.ts'

/** One isolate's memory. */
let edgeCache: ReturnType<typeof makeEdge> | undefined

export default {
  fetch(request, env, ctx) {
    edgeCache ??= makeEdge(env)
    return edgeCache(request, ctx)
  },
} satisfies ExportedHandler<EdgeEnv>
