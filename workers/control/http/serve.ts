import type { Context, Hono } from 'hono'
import * as z from 'zod'
import {
  pathParameters,
  type Endpoint,
  type ParametersOf,
  type PathParameter,
} from '@halyard/shared/contract/endpoint.ts'
import type { Role } from '@halyard/shared/contract/resources.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import type { Actor, Deps, Idempotency } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import { namesTag } from '../usecases/precondition.ts'
import type { AppEnv } from './app-env.ts'
import { parseBody, parseQuery, readBytes, readText, type Bytes } from './read-body.ts'

type Checked<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined

/** What a handler gets: all of it authorised and checked. */
export interface Request<E extends Endpoint> {
  readonly deps: Deps
  readonly actor: Actor
  readonly params: Readonly<Record<ParametersOf<E['path']>, string>>
  readonly query: Checked<E['query']>
  readonly body: Checked<E['body']>
  readonly bytes: E extends { readonly bytes: readonly string[] } ? Bytes : undefined
  readonly ifMatch: string | undefined
}

interface Reply<E extends Endpoint> {
  readonly result: z.output<E['result']>
  readonly etag?: string
  readonly isReplay?: boolean
}

/** Mounts an endpoint of the contract: authorises and checks by its description, then answers what the handler gives. */
export function serve<const E extends Endpoint>(
  app: Hono<AppEnv>,
  endpoint: E,
  handler: (request: Request<E>) => Promise<Reply<E>>,
): void {
  app.on(endpoint.method, endpoint.path, async (c) => {
    authorize(endpoint, c)
    const params = checkParams(c) as Request<E>['params'] // Hono gives a value for each name in the path
    const query = parseQuery(endpoint.query ?? NoQuery, c.req.query())
    const bytes = endpoint.bytes && (await readBytes(c, endpoint.bytes))
    const text = bytes || endpoint.method === 'GET' ? '' : await readText(c)
    const reply = await handler({
      deps: c.var.deps,
      actor: await withIdempotency(c, bytes ? await sha256Hex(bytes.content) : text),
      params,
      query: (endpoint.query && query) as Request<E>['query'], // as the endpoint says
      body: (endpoint.body ? parseBody(endpoint.body, text) : undefined) as Request<E>['body'], // as the endpoint says
      bytes: bytes as Request<E>['bytes'], // as the endpoint says
      ifMatch: requireIfMatch(endpoint, c),
    })
    return answer(c, endpoint, reply)
  })
}

/** What is not known must not be passed over: who sends `?dryRun=true` means that nothing is to happen. */
const NoQuery = z.strictObject({})

const ranks: Readonly<Record<Role, number>> = { viewer: 0, editor: 1, admin: 2 }

/** The token must have the role, and what the path names must lie within what it is bound to. */
function authorize(endpoint: Endpoint, c: Context<AppEnv>): void {
  const { actor } = c.var
  if (ranks[actor.role] < ranks[endpoint.role]) {
    throw new ProblemError('forbidden', {
      detail: `needs role ${endpoint.role}; the token has ${actor.role}`,
    })
  }
  const isTooNarrow =
    (endpoint.reach === 'organization' && actor.project !== null) ||
    (endpoint.reach !== undefined && actor.environment !== null)
  const { org, project, environment } = c.req.param() as Partial<Record<string, string>> // absent where the path has none
  // Another tenant's names are not told apart from names that do not exist.
  if (org !== undefined && org !== actor.orgKey && org !== actor.orgId)
    throw new ProblemError('organization_not_found')
  if (isOutside(project, actor.project)) throw new ProblemError('project_not_found')
  if (isOutside(environment, actor.environment)) throw new ProblemError('environment_not_found')
  if (isTooNarrow) {
    throw new ProblemError('forbidden', {
      detail: `needs a token that reaches the whole ${endpoint.reach}`,
    })
  }
}

function isOutside(named: string | undefined, bound: { id: string; key: string } | null): boolean {
  return named !== undefined && bound !== null && named !== bound.key && named !== bound.id
}

function checkParams(c: Context<AppEnv>): Record<string, string> {
  const params = c.req.param() as Record<string, string> // Hono types them by a literal path only
  for (const [name, value] of Object.entries(params)) {
    const result = pathParameters[name as PathParameter].safeParse(value) // paths name no other parameters
    if (!result.success) {
      throw new ProblemError('invalid_input', {
        errors: [
          {
            code: name === 'key' ? 'invalid_key' : 'invalid_value',
            pointer: name,
            detail: result.error.issues[0]?.message ?? 'is not allowed',
          },
        ],
      })
    }
  }
  return params
}

function requireIfMatch(endpoint: Endpoint, c: Context<AppEnv>): string | undefined {
  const ifMatch = c.req.header('if-match')
  if (endpoint.method === 'PATCH' && !endpoint.isWhole && ifMatch === undefined) {
    throw new ProblemError('precondition_required', {
      detail: 'send If-Match with the ETag that you read, or * to overwrite',
    })
  }
  return ifMatch
}

/** A repeated write is known by token, key and content; its stored answer can be read with token and key only. */
async function withIdempotency(c: Context<AppEnv>, body: string): Promise<Actor> {
  const key = c.req.header('idempotency-key')
  if (key === undefined || c.req.method === 'GET') return c.var.actor
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new ProblemError('invalid_input', {
      errors: [{ pointer: 'Idempotency-Key', detail: '1 to 200 visible ASCII characters' }],
    })
  }
  const token = c.req.header('authorization') ?? ''
  const url = new URL(c.req.url)
  const secret = await crypto.subtle.digest(
    'SHA-256',
    new TextEncoder().encode(`halyard answer\n${token}\n${key}`),
  )
  const idempotency: Idempotency = {
    id: await sha256Hex(`${c.var.actor.keyId}\n${key}`),
    requestHash: await sha256Hex(
      `${c.req.method} ${url.pathname}${url.search}\n${c.req.header('if-match') ?? ''}\n${body}`,
    ),
    encryptionKey: await crypto.subtle.importKey('raw', secret, 'AES-GCM', false, ['encrypt', 'decrypt']),
  }
  return { ...c.var.actor, idempotency }
}

function answer(c: Context<AppEnv>, endpoint: Endpoint, reply: Reply<Endpoint>) {
  if (reply.etag !== undefined) c.header('etag', reply.etag)
  if (reply.isReplay) c.header('idempotency-replayed', 'true')
  const held = endpoint.method === 'GET' ? c.req.header('if-none-match') : undefined
  if (reply.etag !== undefined && held !== undefined && namesTag(held, reply.etag)) return c.body(null, 304)
  return c.json(reply.result as object, endpoint.status ?? 200)
}
