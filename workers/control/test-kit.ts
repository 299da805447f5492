/** The management API on a real database of its own, for tests. */
import { Client } from 'pg'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import * as z from 'zod'
import { createTestDatabase, type TestDatabase } from '../../dev/test-database.ts'
import { Problem, type ProblemCode } from '@halyard/shared/contract/problems.ts'
import type { Role } from '@halyard/shared/contract/resources.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import { makeApp } from './app.ts'
import type { Deps, EnvironmentScope } from './ports.ts'
import { openDatabase } from './store/database.ts'

// workerd forbids making functions from text, so that zod never compiles its parsers there.
z.config({ jitless: true })

export const checkSecret = 'check-secret-of-the-tests'

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into any answer
export interface Reply<Body = any> {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Body
}

export interface Kit {
  readonly deps: Deps
  readonly database: TestDatabase
  /** An admin token of organization `acme`, and one of another tenant, `rival`. */
  readonly token: string
  readonly rivalToken: string
  /** What publication was told, in order. */
  readonly told: { kind: 'arm' | 'go' | 'release'; scope: EnvironmentScope }[]
  /** The clock of the API; tests may move it. */
  readonly clock: { nowMs: number }
  /** A row-security-free connection, to arrange and to inspect. */
  readonly sql: <Row>(text: string, params?: unknown[]) => Promise<Row[]>
  /** One request; the path is under `/api/v1`. */
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Reply>
  /** A request that must succeed; gives its body. */
  readonly ok: (method: string, path: string, options?: CallOptions) => Promise<Reply['body']>
  /** A management token of any scope, also of those that the API does not make. */
  readonly makeToken: (scope?: TokenScope) => Promise<string>
  /** Everything that is stored, table by table, as hashes: equal if nothing was written. */
  readonly stored: () => Promise<Record<string, string>>
}

export interface CallOptions {
  readonly body?: unknown
  readonly token?: string | null | undefined
  readonly headers?: Record<string, string>
  /** In place of what the API otherwise depends on. */
  readonly deps?: Partial<Deps>
}

export interface TokenScope {
  readonly org?: string
  readonly role?: Role
  readonly project?: string
  readonly environment?: string
  readonly expiresAt?: Date
  readonly isRevoked?: boolean
}

/** Starts before all tests of a file and is dropped after them. */
export function useKit(): Kit {
  const kit = {} as Kit // filled before any test runs
  vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })
  let admin: Client
  beforeAll(async () => {
    const database = await createTestDatabase()
    admin = new Client(database.adminUrl)
    await admin.connect()
    let last: Promise<unknown> = Promise.resolve()
    // One after another: a connection runs one query at a time.
    const sql: Kit['sql'] = (text, params = []) => {
      const query = last.then(async () => (await admin.query(text, params)).rows)
      last = query.catch(() => {}) // its caller gets the error
      return query
    }
    for (const key of ['acme', 'rival'])
      await sql('insert into organizations (id, key, name) values ($1, $2, $2)', [makeId('org'), key])
    const makeToken = (scope?: TokenScope) => insertToken(sql, scope)
    const [token, rivalToken] = [await makeToken(), await makeToken({ org: 'rival' })]
    const stored = () => hashTables(sql)
    Object.assign(kit, { database, sql, token, rivalToken, makeToken, stored, ...startApi(database, token) })
  })
  afterAll(async () => {
    await admin.end()
    await kit.database.drop()
  })
  return kit
}

/** The project `shop` of acme, with its three environments and one flag of each type. */
export async function makeShop(kit: Kit): Promise<void> {
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'shop' } })
  await kit.ok('POST', `${shop}/flags/import`, {
    body: {
      flags: [
        { key: 'checkout', clientVisible: true },
        {
          key: 'banner',
          valueType: 'string',
          variants: [
            { key: 'short', value: 'Hi' },
            { key: 'long', value: 'Hello there' },
          ],
        },
      ],
    },
  })
}

export const shop = '/orgs/acme/projects/shop'
export const production = `${shop}/environments/production`

/** Checks that an answer is a whole problem of this code, and gives it. */
export function expectProblem(reply: Reply, code: ProblemCode): Problem {
  expect({ code: reply.body?.code, body: reply.text }).toMatchObject({ code })
  expect(reply.headers.get('content-type')).toBe('application/problem+json')
  const problem = Problem.parse(reply.body)
  expect(reply.status).toBe(problem.status)
  expect(reply.headers.get('x-request-id')).toBe(problem.requestId)
  return problem
}

/** What JSON pointers the problem names. */
export function pointersOf(reply: Reply): string[] {
  const errors = expectProblem(reply, reply.body?.code).errors ?? []
  const codes = new Set(errors.map((error) => error.code))
  const [only = 'invalid_value'] = codes
  const expected = codes.size === 1 && only !== 'invalid_value' ? only : 'invalid_input'
  expect({ code: reply.body?.code, body: reply.text }).toMatchObject({ code: expected })
  return errors.map((error) => error.pointer)
}

function startApi(
  database: TestDatabase,
  ownToken: string,
): Pick<Kit, 'deps' | 'told' | 'clock' | 'call' | 'ok'> {
  const told: Kit['told'] = []
  const clock = { nowMs: Date.parse('2026-11-20T12:00:00Z') }
  const pending = new Set<Promise<unknown>>()
  const later = (work: Promise<unknown>) => void pending.add(work)
  const deps: Deps = {
    db: openDatabase({ url: database.appUrl, gateway: database.gateway, waitUntil: later }),
    publishers: {
      async arm(scope) {
        told.push({ kind: 'arm', scope })
        return {
          go: () => told.push({ kind: 'go', scope }),
          release: () => told.push({ kind: 'release', scope }),
        }
      },
    },
    nowMs: () => clock.nowMs,
    checkSecret,
    readReceipts: async () => null,
  }
  const call: Kit['call'] = async (method, path, options = {}) => {
    const response = await makeApp({ ...deps, ...options.deps }, later).request(
      `http://control/api/v1${path}`,
      toRequest(method, { token: ownToken, ...options }),
    )
    const work = [...pending]
    pending.clear()
    await Promise.all(work)
    const text = await response.text()
    const body =
      /json/.test(response.headers.get('content-type') ?? '') && text !== '' ? JSON.parse(text) : null
    return { status: response.status, headers: response.headers, text, body }
  }
  const ok: Kit['ok'] = async (...request) => {
    const { status, body, text } = await call(...request)
    expect({ status, text: status < 300 ? '' : text }).toEqual({ status: expect.any(Number), text: '' })
    return body
  }
  return { deps, told, clock, call, ok }
}

function toRequest(method: string, { body, token, headers }: CallOptions): RequestInit {
  return {
    method,
    headers: {
      ...(typeof token === 'string' && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && {
      body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body), // fetch takes both
    }),
  }
}

async function insertToken(sql: Kit['sql'], scope: TokenScope = {}): Promise<string> {
  const { org = 'acme', role = 'admin', project, environment, expiresAt, isRevoked = false } = scope
  const keyId = makeId('key')
  const token = await makeKey('management', keyId, checkSecret)
  const hash = await sha256Hex(token)
  const rows = await sql(
    `insert into api_keys (org_id, id, project_id, environment_id, class, role, name, hash, last_four, origins,
       created_by, created_at, expires_at, revoked_at)
     select o.id, $1, p.id, e.id, 'management', $2, 'test', $3, $4, '{}', 'test', now(), $5,
       case when $6 then now() end
     from organizations o
     left join projects p on p.org_id = o.id and p.key = $8
     left join environments e on e.org_id = o.id and e.project_id = p.id and e.key = $9
     where o.key = $7 and (p.key is not null or $8::text is null) and (e.key is not null or $9::text is null)
     returning id`,
    [
      keyId,
      role,
      hash,
      token.slice(-4),
      expiresAt ?? null,
      isRevoked,
      org,
      project ?? null,
      environment ?? null,
    ],
  )
  if (rows.length !== 1) throw new Error('there is no such place to bind a token to')
  return token
}

async function hashTables(sql: Kit['sql']): Promise<Record<string, string>> {
  const tables = await sql<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1`,
  )
  // When a token was last used is noted by reads too.
  const parts = tables.map(
    ({ name }) =>
      `select '${name}' as name, md5(string_agg((to_jsonb(t) - 'last_used_on')::text, E'\\n'
         order by (to_jsonb(t) - 'last_used_on')::text)) as hash from ${name} t`,
  )
  const rows = await sql<{ name: string; hash: string }>(parts.join(' union all '))
  return Object.fromEntries(rows.map(({ name, hash }) => [name, hash]))
}
