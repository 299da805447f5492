import { neon, neonConfig, Pool, type PoolClient } from '@neondatabase/serverless'
import { sql } from 'drizzle-orm'
import type { BatchItem, BatchResponse } from 'drizzle-orm/batch'
import { drizzle as drizzleHttp, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePool, type NeonDatabase } from 'drizzle-orm/neon-serverless'
import { inTime } from '../in-time.ts'
import { ProblemError } from '../problem.ts'

export type ReadDb = NeonHttpDatabase
export type Tx = Parameters<Parameters<NeonDatabase['transaction']>[0]>[0]
type Queries = readonly [BatchItem<'pg'>, ...BatchItem<'pg'>[]]

/** A key as its hash finds it, whoever it belongs to. */
export interface FoundKey {
  readonly org_id: string
  readonly org_key: string
  readonly id: string
  readonly class: 'server' | 'client' | 'management'
  readonly role: 'viewer' | 'editor' | 'admin' | null
  readonly project_id: string | null
  readonly project_key: string | null
  readonly environment_id: string | null
  readonly environment_key: string | null
  readonly expires_at: string | null
  readonly revoked_at: string | null
  readonly last_used_on: string | null
}

/** A published version, whoever it belongs to. */
export interface HeadPlace {
  readonly org_id: string
  readonly environment_id: string
  readonly epoch: number
  readonly version: number
}

/** Postgres, always under one tenant but for the calls that name none. */
export interface Database {
  /** All queries in one REPEATABLE READ, READ ONLY transaction and one round trip. */
  read<const Q extends Queries>(orgId: string, queries: (db: ReadDb) => Q): Promise<BatchResponse<Q>>
  /** One interactive transaction; whatever throws rolls it back. */
  write<T>(orgId: string, work: (tx: Tx) => Promise<T>): Promise<T>
  findKey(keyHash: string): Promise<FoundKey | null>
  /** Environments with committed versions that wait for publication. */
  claimOutbox(limit: number): Promise<{ org_id: string; environment_id: string }[]>
  /** Makes audit partitions from the month of `start` to `months` later; gives how many were missing. */
  ensureAuditPartitions(start: Date, months: number): Promise<number>
  /** The tenant and project of an environment, whoever asks; null if there is none. */
  findEnvironment(environmentId: string): Promise<{ org_id: string; project_id: string } | null>
  /** The ids of all tenants, for work that goes through them. */
  listOrganizations(): Promise<string[]>
  /** Published versions that are to be compiled again, the most urgent first. */
  headsToVerify(limit: number): Promise<HeadPlace[]>
  /** Throws if the role could read past row security. */
  checkRole(): Promise<void>
}

interface DatabaseConfig {
  readonly url: string
  /** `host:port` of a Neon-compatible gateway, where Postgres is not Neon itself. */
  readonly gateway?: string | undefined
  /** Keeps work alive after the answer (`ctx.waitUntil`). */
  readonly waitUntil: (work: Promise<unknown>) => void
}

/**
 * A database that takes calls and does not answer must not hold its callers for ever. Postgres gives up a statement
 * first, which frees what it had locked; then the client, in case Postgres cannot; then the write as a whole.
 */
const [statementMaxMs, answerMaxMs, writeMaxMs] = [9_000, 10_000, 14_000]
neonConfig.fetchFunction = (input: string, init?: RequestInit) =>
  fetch(input, { ...init, signal: AbortSignal.timeout(answerMaxMs) })

/** Connections live inside one request: the Workers runtime forbids sharing them. */
export function openDatabase(config: DatabaseConfig): Database {
  if (config.gateway) useGateway(config.gateway)
  const client = neon(config.url)
  const { transaction } = client
  // drizzle's batch cannot ask for an isolation level, so its client always does.
  client.transaction = ((queries: Parameters<typeof transaction>[0], options?: object) =>
    transaction(queries, {
      ...options,
      isolationLevel: 'RepeatableRead',
      readOnly: true,
    })) as typeof transaction // the same generic call
  const http = drizzleHttp(client)
  const call: Call = async <Row>(query: string, params: unknown[]) => {
    const [, rows] = await transaction([client.query(limitStatement), client.query(query, params)])
    return rows as Row[] // as the function declares
  }

  return {
    async read(orgId, queries) {
      const results: unknown[] = await http.batch([http.execute(beginRead(orgId)), ...queries(http)])
      return results.slice(1) as never // the answers of `queries`, in their order
    },
    write: (orgId, work) => writeInTime(config, orgId, work),
    ...ofNoTenant(call),
  }
}

/** At the end of its time the connection goes, and with it whatever is not committed. */
async function writeInTime<T>(
  { url, waitUntil }: DatabaseConfig,
  orgId: string,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const pool = new Pool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: answerMaxMs,
    query_timeout: answerMaxMs,
  })
  let giveUp: (() => void) | undefined
  // A connection that is lost, idle or in use, is reported by the query that needs it.
  pool.on('error', () => {})
  pool.on('connect', (client: PoolClient) => {
    client.on('error', () => {})
    giveUp = () => client.release(true)
  })
  const written = drizzlePool(pool).transaction(async (tx) => {
    await tx.execute(beginWrite(orgId))
    return await work(tx)
  })
  try {
    return await inTime(written, { maxMs: writeMaxMs, what: 'a write', giveUp: () => giveUp?.() })
  } finally {
    waitUntil(pool.end())
  }
}

type Call = <Row>(query: string, params: unknown[]) => Promise<Row[]>

/** The functions of the database that name no tenant. */
function ofNoTenant(call: Call): Omit<Database, 'read' | 'write'> {
  return {
    async findKey(keyHash) {
      const rows = await call<FoundKey>('select * from halyard.find_key($1)', [keyHash])
      return rows[0] ?? null
    },
    claimOutbox: (limit) => call('select * from halyard.claim_outbox($1)', [limit]),
    async ensureAuditPartitions(start, months) {
      const rows = await call<{ made: number }>('select halyard.ensure_audit_partitions($1, $2) as made', [
        start,
        months,
      ])
      return rows[0]?.made ?? 0
    },
    async findEnvironment(environmentId) {
      const query = 'select * from halyard.find_environment($1)'
      return (await call<{ org_id: string; project_id: string }>(query, [environmentId]))[0] ?? null
    },
    async listOrganizations() {
      return (await call<{ org_id: string }>('select * from halyard.list_organizations()', [])).map(
        (row) => row.org_id,
      )
    },
    headsToVerify: (limit) => call('select * from halyard.heads_to_verify($1)', [limit]),
    async checkRole() {
      const [role] = await call<{ unsafe: boolean; name: string }>(roleQuery, [])
      if (!role || role.unsafe) {
        throw new Error(
          `DATABASE_URL signs in as ${role?.name ?? 'nobody'}, which is a superuser, bypasses row security or owns tables: use halyard_app`,
        )
      }
    },
  }
}

const roleQuery = `select rolname as name, rolsuper or rolbypassrls or exists (
    select from pg_class
    where pg_has_role(pg_roles.oid, relowner, 'MEMBER') and relkind in ('r', 'p')) as unsafe
  from pg_roles where rolname = current_user`

const limitStatement = `select set_config('statement_timeout', '${statementMaxMs}', true)`

function beginRead(orgId: string) {
  return sql`${sql.raw(limitStatement)}, set_config('app.org_id', ${orgId}, true)`
}

function beginWrite(orgId: string) {
  return sql`${beginRead(orgId)}, set_config('lock_timeout', '5s', true), set_config('idle_in_transaction_session_timeout', '10s', true)`
}

/** `neonConfig` is one object a process: every caller in it uses the same gateway. */
function useGateway(gateway: string) {
  neonConfig.fetchEndpoint = () => `http://${gateway}/sql`
  neonConfig.wsProxy = () => `${gateway}/v2`
  neonConfig.useSecureWebSocket = false
  neonConfig.pipelineConnect = false
}

/** SQLSTATE and constraint of a failure of Postgres, wherever a driver put them; `null` for any other error. */
export function databaseFault(error: unknown): { code: string; constraint: string | undefined } | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, constraint } = at as { code?: unknown; constraint?: unknown } // read, then checked
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) {
      return { code, constraint: typeof constraint === 'string' ? constraint : undefined }
    }
  }
  return null
}

/** Turns a lost database, or a lock or an answer that was not had in time, into a problem that says so; other errors pass. */
export function asProblem(error: unknown): unknown {
  if (error instanceof ProblemError) return error
  const code = databaseFault(error)?.code
  const isLost =
    code === undefined ? isConnectionFailure(error) : /^(08|53|57P|57014|55P03|40001|40P01|25P03)/.test(code)
  return isLost ? new ProblemError('unavailable', { headers: { 'retry-after': '2' } }) : error
}

function isConnectionFailure(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (/connect|websocket|network|fetch failed|ECONN|terminated|time-?out/i.test(at.message)) return true
  }
  return typeof error === 'object' && error !== null && 'type' in error && error.type === 'error' // a WebSocket ErrorEvent
}
