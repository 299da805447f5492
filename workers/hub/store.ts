/** The hub's SQLite. Tables exist only once something was published, so that reading an invented id costs nothing. */
import type { Head } from '@halyard/shared/protocol/head.ts'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import { createBlobTables } from './blobs.ts'
import { createContentTable } from './content.ts'
import type { KvKind, KvState } from './decide.ts'
import { createDeltaTable } from './delta-ring.ts'
import { createRelayTables } from './relay-register.ts'
import { hasTable, type Sql } from './sql.ts'

export interface StoredHead {
  readonly signedHead: string
  readonly head: Head
  /** The token of the version at which what client keys may see last changed. */
  readonly clientAt: string
}

/** Whose KV value a state is: one of the two of the environment, or that of a blob. */
export type StoredKv = KvKind | `blob:${string}`

const neverWritten: KvState = { written: null, notBefore: 0, failures: 0 }

/** Makes what is not there yet: an older version of this script may have made the rest. */
export function createTables(sql: Sql): void {
  sql.exec(
    'CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY CHECK (id = 1), signed_head TEXT NOT NULL, head TEXT NOT NULL)',
  )
  sql.exec(
    'CREATE TABLE IF NOT EXISTS client_at (id INTEGER PRIMARY KEY CHECK (id = 1), token TEXT NOT NULL)',
  )
  sql.exec(
    'CREATE TABLE IF NOT EXISTS kv (kind TEXT PRIMARY KEY, written TEXT, not_before INTEGER NOT NULL, failures INTEGER NOT NULL)',
  )
  sql.exec('DROP TABLE IF EXISTS heartbeat') // of the time when this object held the sockets
  createContentTable(sql)
  createDeltaTable(sql)
  createRelayTables(sql)
  createBlobTables(sql)
}

/** Brings the tables of an object that was published to before up to date; makes none in another. */
export function upgradeTables(sql: Sql): void {
  if (hasTable(sql, 'head')) createTables(sql)
}

/** The head, or null if nothing was ever published here. */
export function readHead(sql: Sql): StoredHead | null {
  if (!hasTable(sql, 'head')) return null
  const [row] = sql
    .exec<{ signed_head: string; head: string; client_at: string | null }>(
      'SELECT signed_head, head, (SELECT token FROM client_at) AS client_at FROM head',
    )
    .toArray()
  if (!row) return null
  const head = JSON.parse(row.head) as Head // written by writeHead only
  return { signedHead: row.signed_head, head, clientAt: row.client_at ?? formatVersion(head) }
}

export function writeHead(sql: Sql, { signedHead, head, clientAt }: StoredHead): void {
  sql.exec(
    'INSERT OR REPLACE INTO head (id, signed_head, head) VALUES (1, ?, ?)',
    signedHead,
    JSON.stringify(head),
  )
  sql.exec('INSERT OR REPLACE INTO client_at (id, token) VALUES (1, ?)', clientAt)
}

export function readKvState(sql: Sql, kind: StoredKv): KvState {
  const [row] = sql
    .exec<{ written: string | null; not_before: number; failures: number }>(
      'SELECT written, not_before, failures FROM kv WHERE kind = ?',
      kind,
    )
    .toArray()
  return row ? { written: row.written, notBefore: row.not_before, failures: row.failures } : neverWritten
}

export function writeKvState(sql: Sql, kind: StoredKv, state: KvState): void {
  sql.exec(
    'INSERT OR REPLACE INTO kv (kind, written, not_before, failures) VALUES (?, ?, ?, ?)',
    kind,
    state.written,
    state.notBefore,
    state.failures,
  )
}
