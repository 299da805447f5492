import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { DatabaseError, Pool, type PoolClient } from 'pg'
import { readConnection, type DatabaseTarget } from './database-target.ts'

export interface SqlHandler {
  readonly handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>
  readonly close: () => Promise<void>
}

interface Statement {
  readonly query: string
  readonly params?: readonly unknown[]
}

type Run = (client: PoolClient) => Promise<unknown>

const bodyMaxBytes = 64 * 1024 * 1024
const poolsMax = 32
const connectionsMax = 16
const asText = { getTypeParser: () => (value: unknown) => value }
const isolationLevels: Readonly<Record<string, string>> = {
  ReadUncommitted: 'read uncommitted',
  ReadCommitted: 'read committed',
  RepeatableRead: 'repeatable read',
  Serializable: 'serializable',
}
// What Neon copies from an error of Postgres.
const errorFields = [
  'severity',
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
] as const
const errorPlaces = [
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

/** Answers `POST /sql` as Neon does: one statement, or several as one transaction, with values as Postgres' text. */
export function makeSqlHandler(target: DatabaseTarget): SqlHandler {
  const poolsCache = new Map<string, Pool>()
  return {
    handle: async (req, res) => {
      try {
        const run = await readRequest(req)
        if (typeof run === 'string') return send(res, 400, { message: run })
        const pool = findPool(poolsCache, target, String(req.headers['neon-connection-string']))
        send(res, 200, await useClient(pool, res, run))
      } catch (error) {
        sendError(res, error)
      }
    },
    close: async () => {
      await Promise.all([...poolsCache.values()].map((pool) => pool.end()))
    },
  }
}

/** What is to be done on a connection, or what is wrong with the request. */
async function readRequest(req: IncomingMessage): Promise<Run | string> {
  if (!URL.canParse(String(req.headers['neon-connection-string'])))
    return 'Neon-Connection-String is missing or wrong'
  if (Number(req.headers['content-length'] ?? 0) > bodyMaxBytes)
    return 'request is too large (max is 67108864 bytes)'
  let body: Statement | { readonly queries: readonly Statement[] }
  try {
    body = JSON.parse(await text(req)) // the shape is checked by what uses it: this is a tool for one machine
  } catch {
    return 'the body is not JSON'
  }
  if ('queries' in body) return (client) => runBatch(client, body.queries, req.headers)
  if (typeof body.query === 'string') return (client) => runOne(client, body, req.headers)
  return 'the body has neither query nor queries'
}

/** Runs on a pooled connection; gives it up when the caller has gone, or has left a transaction open on it. */
async function useClient(pool: Pool, res: ServerResponse, run: Run): Promise<unknown> {
  const client = await pool.connect()
  let isReleased = false
  const release = (isSpoilt: boolean) => {
    if (!isReleased) client.release(isSpoilt)
    isReleased = true
  }
  const giveUp = () => release(true)
  res.once('close', giveUp)
  try {
    if (res.destroyed) throw new Error('the caller has gone')
    return await run(client)
  } finally {
    res.off('close', giveUp)
    release(client.getTransactionStatus() !== 'I')
  }
}

async function runBatch(client: PoolClient, statements: readonly Statement[], headers: IncomingHttpHeaders) {
  const results: unknown[] = []
  await client.query(beginStatement(headers))
  try {
    // In order, and each after the one before: they are one transaction on one connection.
    for (const statement of statements) results.push(await runOne(client, statement, headers)) // oxlint-disable-line no-await-in-loop
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {}) // fails if the connection was lost: the server has rolled back
    throw error
  }
  return { results }
}

function beginStatement(headers: IncomingHttpHeaders): string {
  const level = isolationLevels[String(headers['neon-batch-isolation-level'])]
  const readOnly = headers['neon-batch-read-only']
  return [
    'begin',
    level ? `isolation level ${level}` : '',
    readOnly === 'true' ? 'read only' : readOnly === 'false' ? 'read write' : '',
    headers['neon-batch-deferrable'] === 'true' ? 'deferrable' : '',
  ].join(' ')
}

async function runOne(client: PoolClient, { query, params }: Statement, headers: IncomingHttpHeaders) {
  const rowAsArray = headers['neon-array-mode'] === 'true'
  const config = {
    text: query,
    values: [...(params ?? [])],
    queryMode: 'extended', // as Neon: one statement, never several in one text
    ...(rowAsArray ? { rowMode: 'array' } : {}),
    ...(headers['neon-raw-text-output'] === 'true' ? { types: asText } : {}),
  }
  const { command, rowCount, rows, fields } = await client.query(config)
  return { command, rowCount, rows, fields, rowAsArray }
}

/** The pool of a connection string; the one longest unused goes when there are too many. */
function findPool(poolsCache: Map<string, Pool>, target: DatabaseTarget, connectionString: string): Pool {
  const pool = poolsCache.get(connectionString) ?? makePool(target, new URL(connectionString))
  poolsCache.delete(connectionString)
  poolsCache.set(connectionString, pool)
  const [oldest] = poolsCache
  if (oldest && poolsCache.size > poolsMax) {
    poolsCache.delete(oldest[0])
    void oldest[1].end() // lets its running queries finish
  }
  return pool
}

function makePool(target: DatabaseTarget, url: URL): Pool {
  const pool = new Pool({
    ...readConnection(url),
    ...target,
    application_name: 'neon-gateway',
    max: connectionsMax,
    idleTimeoutMillis: 5_000,
    connectionTimeoutMillis: 20_000,
    allowExitOnIdle: true,
  })
  pool.on('error', () => {}) // an idle connection was closed by the server: the next query opens another
  pool.on('connect', (client) => client.on('error', () => {})) // one in use was: its query says so
  return pool
}

function sendError(res: ServerResponse, error: unknown): void {
  if (!(error instanceof DatabaseError)) return send(res, 500, { message: String(error) })
  const fields = [...errorFields, ...errorPlaces].map((field) => [field, error[field] ?? null] as const)
  send(res, 400, { message: error.message, ...Object.fromEntries(fields) })
}

function send(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}
