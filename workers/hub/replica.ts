/** The relay's SQLite: what it holds of its environment, so that it can sleep. Tables exist once it held something. */
import { parseAccess, type AccessKey } from '@halyard/shared/protocol/access.ts'
import type { Head } from '@halyard/shared/protocol/head.ts'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import { createContentTable, readContent } from './content.ts'
import { createDeltaTable } from './delta-ring.ts'
import { createSentTable } from './sent-log.ts'
import { hasTable, type Sql } from './sql.ts'

/** What a relay relays, and under which name: its environment, its region and number. */
export interface Place {
  readonly environment: string
  readonly relay: string
}

export interface Replica extends Place {
  readonly signedHead: string
  readonly head: Head
  /** The token of the head. */
  readonly at: string
  /** The token at which what client keys may see last changed. */
  readonly clientAt: string
  readonly keys: ReadonlyMap<string, AccessKey>
}

/** Epoch milliseconds. */
export interface Times {
  /** By the hub's clock. */
  readonly confirmedAt: number
  /** When the hub is to be asked next; null while the relay has no sockets and the hub need not know it. */
  readonly askAt: number | null
  /** How often in a row it could not be asked. */
  readonly failures: number
  /** When the sockets are to hear the head next; without sockets, when the replica is dropped. */
  readonly headAt: number
}

/** Whose sockets are open, or were a while ago. */
export interface Listener {
  readonly class: AccessKey['class']
  readonly keyId: string
}

export const neverAsked: Times = { confirmedAt: 0, askAt: null, failures: 0, headAt: 0 }

export function createReplicaTables(sql: Sql): void {
  sql.exec(
    `CREATE TABLE IF NOT EXISTS replica (id INTEGER PRIMARY KEY CHECK (id = 1), environment TEXT NOT NULL,
     relay TEXT NOT NULL, signed_head TEXT NOT NULL, head TEXT NOT NULL, client_at TEXT NOT NULL)`,
  )
  sql.exec(
    `CREATE TABLE IF NOT EXISTS times (id INTEGER PRIMARY KEY CHECK (id = 1), confirmed_at INTEGER NOT NULL,
     ask_at INTEGER, failures INTEGER NOT NULL, head_at INTEGER NOT NULL)`,
  )
  sql.exec(
    'CREATE TABLE IF NOT EXISTS listeners (class TEXT NOT NULL, key_id TEXT NOT NULL, PRIMARY KEY (class, key_id))',
  )
  createContentTable(sql)
  createDeltaTable(sql)
  createSentTable(sql)
}

export function dropReplicaTables(sql: Sql): void {
  for (const table of ['replica', 'times', 'listeners', 'content', 'deltas', 'sent'])
    sql.exec(`DROP TABLE IF EXISTS ${table}`)
}

export function readReplica(sql: Sql): Replica | null {
  if (!hasTable(sql, 'replica')) return null
  const [row] = sql
    .exec<{ environment: string; relay: string; signed_head: string; head: string; client_at: string }>(
      'SELECT environment, relay, signed_head, head, client_at FROM replica',
    )
    .toArray()
  if (!row) return null
  const { environment, relay, signed_head: signedHead, client_at: clientAt } = row
  const head = JSON.parse(row.head) as Head // written by writeReplica only
  const keys = readKeys(readContent(sql, head.accessHash))
  return { environment, relay, signedHead, head, at: formatVersion(head), clientAt, keys }
}

export function writeReplica(sql: Sql, replica: Replica): void {
  sql.exec(
    'INSERT OR REPLACE INTO replica (id, environment, relay, signed_head, head, client_at) VALUES (1, ?, ?, ?, ?, ?)',
    replica.environment,
    replica.relay,
    replica.signedHead,
    JSON.stringify(replica.head),
    replica.clientAt,
  )
}

/** The keys of an access record by their ids. */
export function readKeys(access: string): ReadonlyMap<string, AccessKey> {
  return new Map((parseAccess(access)?.keys ?? []).map((key) => [key.id, key]))
}

export function readTimes(sql: Sql): Times {
  if (!hasTable(sql, 'times')) return neverAsked
  const [row] = sql
    .exec<{ confirmed_at: number; ask_at: number | null; failures: number; head_at: number }>(
      'SELECT confirmed_at, ask_at, failures, head_at FROM times',
    )
    .toArray()
  if (!row) return neverAsked
  return { confirmedAt: row.confirmed_at, askAt: row.ask_at, failures: row.failures, headAt: row.head_at }
}

export function writeTimes(sql: Sql, { confirmedAt, askAt, failures, headAt }: Times): void {
  sql.exec(
    'INSERT OR REPLACE INTO times (id, confirmed_at, ask_at, failures, head_at) VALUES (1, ?, ?, ?, ?)',
    confirmedAt,
    askAt,
    failures,
    headAt,
  )
}

export function noteListener(sql: Sql, listener: Listener): void {
  sql.exec('INSERT OR IGNORE INTO listeners (class, key_id) VALUES (?, ?)', listener.class, listener.keyId)
}

export function readListeners(sql: Sql): readonly Listener[] {
  return sql
    .exec<{ class: string; keyId: string }>('SELECT class, key_id AS keyId FROM listeners')
    .toArray() as unknown as readonly Listener[] // written by noteListener only
}

export function dropListener(sql: Sql, listener: Listener): void {
  sql.exec('DELETE FROM listeners WHERE class = ? AND key_id = ?', listener.class, listener.keyId)
}
