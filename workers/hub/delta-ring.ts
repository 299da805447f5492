/** The recent deltas of an environment: a chain without gaps that ends at the head, bounded in number and bytes. */
import type { Delta, LineChanges } from '@halyard/shared/protocol/delta.ts'
import type { Sql } from './sql.ts'

/** A delta and what it leads between: the versions are tokens. */
export interface Link extends Delta {
  readonly baseAt: string
  readonly result: string
  readonly resultAt: string
}

export const ringCountMax = 100
export const ringBytesMax = 1024 * 1024
const shortBytes = 4 * 1024

export function createDeltaTable(sql: Sql): void {
  sql.exec(
    `CREATE TABLE IF NOT EXISTS deltas (seq INTEGER PRIMARY KEY, base TEXT NOT NULL, base_at TEXT NOT NULL,
     result TEXT NOT NULL, result_at TEXT NOT NULL, signed_head TEXT NOT NULL, changes TEXT NOT NULL, bytes INTEGER NOT NULL)`,
  )
}

/** Puts a delta behind the last; one that does not follow it, or is too long to keep, ends the chain before it. */
export function appendLink(sql: Sql, link: Link): void {
  const { set, remove, splice } = link
  const changes = JSON.stringify({ set, remove, splice })
  const bytes = new TextEncoder().encode(changes).length + link.signedHead.length
  const [last] = sql
    .exec<{ result: string; result_at: string }>(
      'SELECT result, result_at FROM deltas ORDER BY seq DESC LIMIT 1',
    )
    .toArray()
  if (last && (last.result !== link.base || last.result_at !== link.baseAt)) clearLinks(sql)
  if (bytes > ringBytesMax) {
    clearLinks(sql)
    return
  }
  sql.exec(
    'INSERT INTO deltas (base, base_at, result, result_at, signed_head, changes, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)',
    link.base,
    link.baseAt,
    link.result,
    link.resultAt,
    link.signedHead,
    changes,
    bytes,
  )
  trim(sql)
}

export function clearLinks(sql: Sql): void {
  sql.exec('DELETE FROM deltas')
}

/** The delta that led to that version, if the ring ends there and the body is not shorter. */
export function lastDelta(sql: Sql, token: string, bodyBytes: number): Delta | null {
  const [row] = sql
    .exec<DeltaRow>(
      `SELECT base, signed_head, changes FROM deltas
       WHERE seq = (SELECT max(seq) FROM deltas) AND result_at = ? AND bytes < ?`,
      token,
      Math.max(bodyBytes, shortBytes),
    )
    .toArray()
  return row ? deltaOf(row) : null
}

/** What leads from the body of that hash to the head's; null if the ring does not reach, or the body is shorter. */
export function chainFromHash(sql: Sql, hash: string, bodyBytes: number): readonly Delta[] | null {
  const [{ seq } = { seq: null }] = sql
    .exec<{ seq: number | null }>('SELECT max(seq) AS seq FROM deltas WHERE base = ?', hash)
    .toArray()
  if (seq === null) return null
  const [sum] = sql
    .exec<{ bytes: number }>('SELECT sum(bytes) AS bytes FROM deltas WHERE seq >= ?', seq)
    .toArray()
  if (!sum || !isShort(sum.bytes, bodyBytes)) return null
  return sql
    .exec<DeltaRow>('SELECT base, signed_head, changes FROM deltas WHERE seq >= ? ORDER BY seq', seq)
    .toArray()
    .map(deltaOf)
}

/** All deltas of the ring, oldest first, each with the version that it begins with and its length. */
export function readRing(
  sql: Sql,
): readonly { readonly baseAt: string; readonly bytes: number; readonly delta: Delta }[] {
  return sql
    .exec<DeltaRow & { readonly base_at: string; readonly bytes: number }>(
      'SELECT base, base_at, signed_head, changes, bytes FROM deltas ORDER BY seq',
    )
    .toArray()
    .map((row) => ({ baseAt: row.base_at, bytes: row.bytes, delta: deltaOf(row) }))
}

/** Whether deltas of so many bytes are worth it: below some it does not matter that the body may be shorter still. */
export function isShort(bytes: number, bodyBytes: number): boolean {
  return bytes < Math.max(bodyBytes, shortBytes)
}

interface DeltaRow extends Record<string, string | number> {
  readonly base: string
  readonly signed_head: string
  readonly changes: string
}

function deltaOf({ base, signed_head, changes }: DeltaRow): Delta {
  return { signedHead: signed_head, base, ...(JSON.parse(changes) as LineChanges) } // written by appendLink only
}

function trim(sql: Sql): void {
  sql.exec(
    `DELETE FROM deltas WHERE seq <= (SELECT max(seq) FROM (
       SELECT seq, sum(bytes) OVER (ORDER BY seq DESC) AS bytes, row_number() OVER (ORDER BY seq DESC) AS place FROM deltas
     ) WHERE bytes > ? OR place > ?)`,
    ringBytesMax,
    ringCountMax,
  )
}
