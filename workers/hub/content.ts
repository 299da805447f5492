/** Texts by their hash, in rows of bounded size: bodies and access records, in the hub and in its relays. */
import type { Head } from '@halyard/shared/protocol/head.ts'
import type { Sql } from './sql.ts'

/** A row holds at most this many bytes of a text (the platform's cap is 2 MB). */
const partBytesMax = 1024 * 1024

export function createContentTable(sql: Sql): void {
  sql.exec(
    'CREATE TABLE IF NOT EXISTS content (hash TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (hash, part))',
  )
}

/** Keeps a text under its hash; one that is there already is not written again. */
export function writeContent(sql: Sql, hash: string, text: string): void {
  if (sql.exec('SELECT 1 FROM content WHERE hash = ? AND part = 0', hash).toArray().length > 0) return
  const bytes = new TextEncoder().encode(text)
  const parts = Math.max(1, Math.ceil(bytes.length / partBytesMax))
  for (let part = 0; part < parts; part++) {
    const slice = bytes.slice(part * partBytesMax, (part + 1) * partBytesMax)
    sql.exec('INSERT INTO content (hash, part, bytes) VALUES (?, ?, ?)', hash, part, slice)
  }
}

/** The text of that hash; it is there for the two hashes of the head. */
export function readContent(sql: Sql, hash: string): string {
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
export function dropOtherContent(sql: Sql, { snapshotHash, accessHash }: Head): void {
  sql.exec('DELETE FROM content WHERE hash NOT IN (?, ?)', snapshotHash, accessHash)
}
