/** The object's SQLite. Tables exist only once something was published, so that reading an invented id costs nothing. */
import type { Head } from '@halyard/shared/protocol/head.ts'
import { createBlobTables } from './blobs.ts'
import type { KvKind, KvState } from './decide.ts'

export interface StoredHead {
  readonly signedHead: string
  readonly head: Head
}

/** Whose KV value a state is: one of the two of the environment, or that of a blob. */
export type StoredKv = KvKind | `blob:${string}`

/** A row holds at most this many bytes of a text (the platform's cap is 2 MB). */
const partBytesMax = 1024 * 1024

const neverWritten: KvState = { written: null, notBefore: 0, failures: 0 }

export function createTables(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY CHECK (id = 1), signed_head TEXT NOT NULL, head TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS content (hash TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (hash, part));
    CREATE TABLE IF NOT EXISTS kv (kind TEXT PRIMARY KEY, written TEXT, not_before INTEGER NOT NULL, failures INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS heartbeat (id INTEGER PRIMARY KEY CHECK (id = 1), due_at INTEGER NOT NULL);
  `)
  createBlobTables(sql)
}

/** The head, or null if nothing was ever published here. */
export function readHead(sql: SqlStorage): StoredHead | null {
  const tables = sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'head'").toArray()
  if (tables.length === 0) return null
  const [row] = sql
    .exec<{ signed_head: string; head: string }>('SELECT signed_head, head FROM head')
    .toArray()
  return row ? { signedHead: row.signed_head, head: JSON.parse(row.head) as Head } : null // written by writeHead only
}

export function writeHead(sql: SqlStorage, { signedHead, head }: StoredHead): void {
  sql.exec(
    'INSERT OR REPLACE INTO head (id, signed_head, head) VALUES (1, ?, ?)',
    signedHead,
    JSON.stringify(head),
  )
}

/** Keeps a text under its hash, in rows of bounded size. */
export function writeContent(sql: SqlStorage, hash: string, text: string): void {
  const bytes = new TextEncoder().encode(text)
  const parts = Math.max(1, Math.ceil(bytes.length / partBytesMax))
  for (let part = 0; part < parts; part++) {
    const slice = bytes.slice(part * partBytesMax, (part + 1) * partBytesMax)
    sql.exec('INSERT OR REPLACE INTO content (hash, part, bytes) VALUES (?, ?, ?)', hash, part, slice)
  }
}

/** The text of that hash; it is there for the two hashes of the head. */
export function readContent(sql: SqlStorage, hash: string): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let text = ''
  for (const row of sql.exec<{ bytes: ArrayBuffer }>(
    'SELECT bytes FROM content WHERE hash = ? ORDER BY part',
    hash,
  )) {
    text += decoder.decode(row.bytes, { stream: true })
  }
  return text + decoder.decode()
}

/** Drops every text but those of this head. */
export function dropOtherContent(sql: SqlStorage, { snapshotHash, accessHash }: Head): void {
  sql.exec('DELETE FROM content WHERE hash NOT IN (?, ?)', snapshotHash, accessHash)
}

export function readKvState(sql: SqlStorage, kind: StoredKv): KvState {
  const [row] = sql
    .exec<{ written: string | null; not_before: number; failures: number }>(
      'SELECT written, not_before, failures FROM kv WHERE kind = ?',
      kind,
    )
    .toArray()
  return row ? { written: row.written, notBefore: row.not_before, failures: row.failures } : neverWritten
}

export function writeKvState(sql: SqlStorage, kind: StoredKv, state: KvState): void {
  sql.exec(
    'INSERT OR REPLACE INTO kv (kind, written, not_before, failures) VALUES (?, ?, ?, ?)',
    kind,
    state.written,
    state.notBefore,
    state.failures,
  )
}

/** When the next heartbeat is due; null while nobody listens. */
export function readHeartbeat(sql: SqlStorage): number | null {
  const [row] = sql.exec<{ due_at: number }>('SELECT due_at FROM heartbeat').toArray()
  return row ? row.due_at : null
}

export function writeHeartbeat(sql: SqlStorage, dueAt: number | null): void {
  if (dueAt === null) sql.exec('DELETE FROM heartbeat')
  else sql.exec('INSERT OR REPLACE INTO heartbeat (id, due_at) VALUES (1, ?)', dueAt)
}
