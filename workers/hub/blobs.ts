/**
 * The blobs in the object's SQLite. Those that the head names stay; the others are kept for an hour, because a reader
 * may still hold the snapshot before, or a publication may be about to name them.
 */
import { limits } from '@halyard/shared/contract/limits.ts'
import { earliest, kvRepeatMs, kvUnderWayMs } from './decide.ts'
import { hasTable, type Sql } from './sql.ts'

/** What is to be done about a blob's value in KV. */
export interface BlobErrand {
  readonly kind: 'put' | 'delete'
  readonly hash: string
  readonly dueAt: number
}

const graceMs = 3_600_000

const partBytesMax = 1024 * 1024
/** Blobs that no head names yet or any more, all together: beyond it the oldest go before their hour is over. */
const unnamedBytesMax = 2 * limits.blobBytesPerEnvironment
/** Errands of one alarm, and how much they may hold in memory. */
const errandsMax = 32
const errandBytesMax = 8 * 1024 * 1024

export function createBlobTables(sql: Sql): void {
  sql.exec(
    'CREATE TABLE IF NOT EXISTS blobs (hash TEXT PRIMARY KEY, size INTEGER NOT NULL, named INTEGER NOT NULL, since INTEGER NOT NULL)',
  )
  sql.exec(
    'CREATE TABLE IF NOT EXISTS blob_parts (hash TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (hash, part))',
  )
}

/** Keeps a blob, in rows of bounded size, as one that no head names yet; one that is there already stays longer. */
export function writeBlob(sql: Sql, hash: string, bytes: Uint8Array, now: number): void {
  const fresh = sql.exec(
    'INSERT INTO blobs (hash, size, named, since) VALUES (?, ?, 0, ?) ON CONFLICT DO NOTHING RETURNING hash',
    hash,
    bytes.length,
    now,
  )
  if (fresh.toArray().length === 0) {
    sql.exec('UPDATE blobs SET since = ? WHERE hash = ? AND named = 0', now, hash)
    return
  }
  for (let at = 0, part = 0; at < bytes.length; at += partBytesMax, part++) {
    const slice = bytes.slice(at, at + partBytesMax)
    sql.exec('INSERT INTO blob_parts (hash, part, bytes) VALUES (?, ?, ?)', hash, part, slice)
  }
  dropOldest(sql, hash)
}

/** The bytes of a blob; null if it is not here. */
export function readBlob(sql: Sql, hash: string): Uint8Array<ArrayBuffer> | null {
  if (!hasTable(sql, 'blobs')) return null
  const [row] = sql.exec<{ size: number }>('SELECT size FROM blobs WHERE hash = ?', hash).toArray()
  if (!row) return null
  const bytes = new Uint8Array(row.size)
  let at = 0
  for (const part of sql.exec<{ bytes: ArrayBuffer }>(
    'SELECT bytes FROM blob_parts WHERE hash = ? ORDER BY part',
    hash,
  )) {
    bytes.set(new Uint8Array(part.bytes), at)
    at += part.bytes.byteLength
  }
  return bytes
}

/** Which of these are not here. */
export function missingBlobs(sql: Sql, hashes: readonly string[]): readonly string[] {
  return sql
    .exec<{ hash: string }>(
      'SELECT value AS hash FROM json_each(?) WHERE value NOT IN (SELECT hash FROM blobs) ORDER BY value',
      JSON.stringify(hashes),
    )
    .toArray()
    .map(({ hash }) => hash)
}

/** From now on the head names these, and no others. */
export function nameBlobs(sql: Sql, hashes: readonly string[], now: number): void {
  sql.exec(
    `UPDATE blobs SET named = 1 - named, since = ?1
     WHERE named <> (hash IN (SELECT value FROM json_each(?2)))`,
    now,
    JSON.stringify(hashes),
  )
}

/** Drops the blobs that no head has named for an hour. */
export function dropExpired(sql: Sql, now: number): void {
  const expired = sql.exec<{ hash: string }>(
    'SELECT hash FROM blobs WHERE named = 0 AND since <= ?',
    now - graceMs,
  )
  for (const { hash } of expired.toArray()) dropBlob(sql, hash)
}

/**
 * What is due about KV now, as much as may be taken on at once: named blobs go there, dropped ones leave. There is no
 * more of it before `endErrands`, or until these are over for sure because the object died.
 */
export function beginErrands(sql: Sql, now: number): readonly BlobErrand[] {
  if (underWayUntil(sql) > now) return []
  const due = dueErrands(sql, now)
  if (due.length > 0) setUnderWay(sql, now + kvUnderWayMs)
  return due
}

export function endErrands(sql: Sql): void {
  setUnderWay(sql, 0)
}

function underWayUntil(sql: Sql): number {
  const [row] = sql
    .exec<{ until: number }>("SELECT not_before AS until FROM kv WHERE kind = 'blobs'")
    .toArray()
  return row?.until ?? 0
}

function setUnderWay(sql: Sql, until: number): void {
  sql.exec(
    "INSERT OR REPLACE INTO kv (kind, written, not_before, failures) VALUES ('blobs', NULL, ?, 0)",
    until,
  )
}

function dueErrands(sql: Sql, now: number): readonly BlobErrand[] {
  const due: BlobErrand[] = []
  let bytes = 0
  for (const { size, ...errand } of errands(sql)) {
    if (errand.dueAt > now) break
    bytes += errand.kind === 'put' ? size : 0
    if (due.length > 0 && bytes > errandBytesMax) break
    due.push(errand)
  }
  return due
}

/** When the next errand is due or the next blob expires; null if never. */
export function nextBlobWork(sql: Sql): number | null {
  if (!hasTable(sql, 'blobs')) return null
  const [unnamed] = sql
    .exec<{ since: number | null }>('SELECT min(since) AS since FROM blobs WHERE named = 0')
    .toArray()
  const expiry = unnamed?.since ?? null
  const errand = errands(sql)[0]
  return earliest([
    errand ? Math.max(errand.dueAt, underWayUntil(sql)) : null,
    expiry === null ? null : expiry + graceMs,
  ])
}

/** The name under which `store.ts` keeps how a blob's KV value stands: a `KvState`, there once a write was tried. */
export function kvKindOf(hash: string): `blob:${string}` {
  return `blob:${hash}`
}

/** The value may be gone, now or later; that it once was there stays known, so that its deletion is tried again. */
export function unsettleKv(sql: Sql, hash: string): void {
  sql.exec('UPDATE kv SET written = NULL, failures = failures + 1 WHERE kind = ?', kvKindOf(hash))
}

/** The state of a value that was deleted: nothing is known of it any more. */
export function forgetKv(sql: Sql, hash: string): void {
  sql.exec('DELETE FROM kv WHERE kind = ?', kvKindOf(hash))
}

type ErrandRow = BlobErrand & { readonly size: number }

/** A value is to be put if its blob is named and not written for sure, deleted if it was written and its blob is gone. */
function errands(sql: Sql): readonly ErrandRow[] {
  return sql
    .exec<{ [Name in keyof ErrandRow]: ErrandRow[Name] }>(
      `SELECT 'put' AS kind, b.hash, b.size,
       CASE WHEN k.written IS NULL THEN coalesce(k.not_before, 0) ELSE k.not_before + ${kvRepeatMs} END AS dueAt
       FROM blobs b LEFT JOIN kv k ON k.kind = 'blob:' || b.hash
       WHERE b.named = 1 AND (k.written IS NULL OR k.failures > 0)
       UNION ALL
       SELECT 'delete', substr(k.kind, 6), 0, k.not_before
       FROM kv k WHERE k.kind LIKE 'blob:%' AND substr(k.kind, 6) NOT IN (SELECT hash FROM blobs)
       ORDER BY dueAt LIMIT ?`,
      errandsMax,
    )
    .toArray()
}

function dropBlob(sql: Sql, hash: string): void {
  sql.exec('DELETE FROM blobs WHERE hash = ?', hash)
  sql.exec('DELETE FROM blob_parts WHERE hash = ?', hash)
}

/** Makes room among the unnamed, but never drops the one that has just come. */
function dropOldest(sql: Sql, newest: string): void {
  const unnamed = sql
    .exec<{ hash: string; size: number }>(
      'SELECT hash, size FROM blobs WHERE named = 0 AND hash <> ? ORDER BY since',
      newest,
    )
    .toArray()
  let bytes = unnamed.reduce((sum, { size }) => sum + size, 0)
  for (const { hash, size } of unnamed) {
    if (bytes <= unnamedBytesMax) return
    dropBlob(sql, hash)
    bytes -= size
  }
}
