import { Hono, type Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { api } from '@halyard/shared/contract/api.ts'
import { problems } from '@halyard/shared/contract/problems.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import type { AppEnv } from './http/app-env.ts'
import { authenticate } from './http/authenticate.ts'
import { problemOf } from './http/problem-of.ts'
import { openApiDocument } from './http/openapi.ts'
import { referencePage } from './http/reference.ts'
import type { Deps } from './ports.ts'
import { ProblemError } from './problem.ts'
import { auditRoutes } from './routes/audit.ts'
import { environmentRoutes } from './routes/environments.ts'
import { evaluationRoutes } from './routes/evaluation.ts'
import { flagStateRoutes } from './routes/flag-states.ts'
import { flagRoutes } from './routes/flags.ts'
import { freezeRoutes } from './routes/freeze.ts'
import { keyRoutes } from './routes/keys.ts'
import { layerRoutes } from './routes/layers.ts'
import { manifestRoutes } from './routes/manifest.ts'
import { memberRoutes } from './routes/members.ts'
import { operationRoutes } from './routes/operations.ts'
import { projectRoutes } from './routes/projects.ts'
import { segmentRoutes } from './routes/segments.ts'
import { shortFormRoutes } from './routes/short-forms.ts'
import { shortSegmentRoutes } from './routes/short-segments.ts'
import { versionRoutes } from './routes/versions.ts'
import { usageRoutes } from './routes/usage.ts'

/** The management API over these dependencies. `later` keeps work alive after an answer. */
export function makeApp(deps: Deps, later: (work: Promise<unknown>) => void) {
  const app = new Hono<AppEnv>()
  app.use(async (c, next) => {
    c.set('requestId', makeId('req'))
    c.set('deps', deps)
    c.set('later', later)
    await next()
    c.header('x-request-id', c.var.requestId)
    c.header('cache-control', 'no-store')
  })
  app.onError(answerProblem)
  app.notFound((c) => answerProblem(notFoundProblem(c), c))

  app.get('/', (c) => c.redirect('/api/v1/reference'))
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/api/v1/openapi.json', (c) => c.json(openApiDocument(new URL(c.req.url).origin)))
  app.get('/api/v1/reference', (c) => c.html(referencePage(new URL(c.req.url).origin)))

  // First: what is under a project is authenticated below, with errors of our form.
  for (const at of ['/', '/api/v1/orgs/:org/projects/:project']) app.route(at, manifestRoutes())
  const routes = new Hono<AppEnv>()
  routes.use('/whoami', authenticate)
  routes.use('/orgs/*', authenticate)
  routes.use('/flags/*', authenticate)
  routes.use('/segments/*', authenticate)
  routes.use('/evaluate', authenticate)
  routes.use('/stale-flags', authenticate)
  routes.use('/metrics/*', authenticate)
  for (const part of parts) routes.route('/', part())
  app.route('/api/v1', routes)
  return app
}

const parts = [
  projectRoutes,
  environmentRoutes,
  freezeRoutes,
  flagRoutes,
  flagStateRoutes,
  evaluationRoutes,
  operationRoutes,
  segmentRoutes,
  memberRoutes,
  layerRoutes,
  keyRoutes,
  auditRoutes,
  versionRoutes,
  shortFormRoutes,
  shortSegmentRoutes,
  usageRoutes,
]

/** The catch of the Worker; the manifest of OpenFeature has its own, which only writes another form. */
function answerProblem(thrown: Error, c: Context<AppEnv>) {
  if (thrown instanceof HTTPException) return thrown.getResponse()
  const error = problemOf(thrown, c)
  const { status, title } = problems[error.code]
  const { detail, errors, current, headers } = error.extras
  const body = {
    type: `/api/v1/reference#${error.code}`,
    title,
    status,
    code: error.code,
    ...(detail !== undefined && { detail }),
    requestId: c.var.requestId,
    ...(errors && { errors: errors.map((field) => ({ code: 'invalid_value', ...field })) }),
    ...(current !== undefined && { current }),
  }
  return c.body(JSON.stringify(body), status, {
    ...headers,
    'content-type': 'application/problem+json',
    'x-request-id': c.var.requestId,
  })
}

const patterns = Object.values(api).map(({ method, path }) => ({
  method,
  pattern: new RegExp(`^/api/v1${path.replaceAll(/:[a-z]+/gi, '[^/]+')}$`),
}))

function notFoundProblem(c: Context): ProblemError {
  const allowed = patterns.filter(({ pattern }) => pattern.test(c.req.path)).map(({ method }) => method)
  if (allowed.length === 0) return new ProblemError('not_found', { detail: 'see /api/v1/reference' })
  return new ProblemError('method_not_allowed', {
    detail: `allowed: ${allowed.join(', ')}`,
    headers: { allow: allowed.join(', ') },
  })
}
