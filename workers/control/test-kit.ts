/** The management API on a real database of its own, for tests. */
import { Client } from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../dev/test-database.ts'
import type { Problem } from '../../shared/contract/problems.ts'
import { sha256Hex } from '../../shared/protocol/hash.ts'
import { makeId } from '../../shared/protocol/ids.ts'
import { makeKey } from '../../shared/protocol/keys.ts'
import { makeApp } from './app.ts'
import type { Deps, EnvironmentScope } from './ports.ts'
import { openDatabase } from './store/database.ts'

export const checkSecret = 'check-secret-of-the-tests'

export interface Reply<Body = any> {
  // oxlint-disable-line typescript/no-explicit-any -- tests look into any answer
  readonly status: number
  readonly headers: Headers
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
}

export interface CallOptions {
  readonly body?: unknown
  readonly token?: string | null
  readonly headers?: Record<string, string>
}

export type ProblemReply = Reply<Problem>

/** Starts before all tests of a file and is dropped after them. */
export function useKit(): Kit {
  const kit = {} as Kit // filled before any test runs
  let admin: Client
  beforeAll(async () => {
    const database = await createTestDatabase()
    admin = new Client(database.adminUrl)
    await admin.connect()
    const sql: Kit['sql'] = async (text, params = []) => (await admin.query(text, params)).rows
    const [token, rivalToken] = [await insertTenant(admin, 'acme'), await insertTenant(admin, 'rival')]
    Object.assign(kit, { database, sql, token, rivalToken, ...startApi(database, token) })
  })
  afterAll(async () => {
    await admin.end()
    await kit.database.drop()
  })
  return kit
}

function startApi(database: TestDatabase, ownToken: string): Pick<Kit, 'deps' | 'told' | 'clock' | 'call'> {
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
  }
  const app = makeApp(deps, later)
  const call: Kit['call'] = async (method, path, { body, token = ownToken, headers } = {}) => {
    const response = await app.request(`http://control/api/v1${path}`, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    await Promise.all(pending)
    pending.clear()
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
  }
  return { deps, told, clock, call }
}

async function insertTenant(admin: Client, key: string): Promise<string> {
  const orgId = makeId('org')
  const keyId = makeId('key')
  const token = await makeKey('management', keyId, checkSecret)
  await admin.query('insert into organizations (id, key, name) values ($1, $2, $2)', [orgId, key])
  await admin.query(
    `insert into api_keys (org_id, id, class, role, name, hash, last_four, origins, created_by, created_at)
     values ($1, $2, 'management', 'admin', 'test', $3, $4, '{}', 'test', now())`,
    [orgId, keyId, await sha256Hex(token), token.slice(-4)],
  )
  return token
}
