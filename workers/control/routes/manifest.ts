import { Hono } from 'hono'
import { manifestEndpoints } from '@halyard/shared/contract/manifest-endpoints.ts'
import { problems } from '@halyard/shared/contract/problems.ts'
import type { AppEnv } from '../http/app-env.ts'
import { authenticate } from '../http/authenticate.ts'
import { problemOf } from '../http/problem-of.ts'
import { serve } from '../http/serve.ts'
import type { Actor } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import {
  archiveManifestFlag,
  createManifestFlag,
  readManifest,
  updateManifestFlag,
} from '../usecases/manifest.ts'

const capabilities = { viewer: 'read', editor: 'read,write,delete', admin: 'read,write,delete' } as const

/** What OpenFeature's CLI pulls from and pushes to. Mounted under the origin and under the address of a project. */
export function manifestRoutes() {
  const app = new Hono<AppEnv>()
  app.use('/openfeature/*', authenticate, async (c, next) => {
    await next()
    c.header('x-manifest-capabilities', capabilities[c.var.actor.role])
  })
  // The only other form of errors: the one that this API prescribes.
  app.onError((error, c) => {
    const problem = problemOf(error, c)
    const { status } = problems[problem.code]
    const { errors = [], headers } = problem.extras
    const details = errors.map(({ pointer, code = 'invalid_value', detail }) => ({
      field: pointer,
      code,
      message: detail,
    }))
    return c.json({ error: { message: messageOf(problem), status, details } }, status, headers)
  })

  serve(app, manifestEndpoints.readManifest, async ({ deps, actor, params }) => ({
    result: await readManifest(deps, actor, projectOf(actor, params)),
  }))

  serve(app, manifestEndpoints.createManifestFlag, async ({ deps, actor, params, body }) => ({
    result: await createManifestFlag(deps, actor, { project: projectOf(actor, params), flag: body }),
  }))

  serve(app, manifestEndpoints.updateManifestFlag, async ({ deps, actor, params, body }) => ({
    result: await updateManifestFlag(deps, actor, {
      project: projectOf(actor, params),
      key: params.key,
      flag: body,
    }),
  }))

  serve(app, manifestEndpoints.archiveManifestFlag, async ({ deps, actor, params }) => ({
    result: await archiveManifestFlag(deps, actor, { project: projectOf(actor, params), key: params.key }),
  }))

  return app
}

/** The project that the address names, else the one that the token is bound to. */
function projectOf({ project }: Actor, params: Readonly<Record<string, string>>): string {
  const named = params['project'] ?? project?.key
  if (named !== undefined) return named
  throw new ProblemError('forbidden', {
    detail:
      'the token is bound to no project: give --provider-url as https://…/api/v1/orgs/ORG/projects/PROJECT, or a token of the project',
  })
}

/** All in one line: of an error the CLI shows nothing else. */
function messageOf({ code, extras: { detail, errors = [] } }: ProblemError): string {
  const fields = errors.map((error) => `${error.pointer} ${error.detail}`)
  return [detail ?? problems[code].title, ...fields].join('; ')
}
