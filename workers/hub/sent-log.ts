/**
 * What was sent to all sockets of a class of late. A socket has been sent what came after its last ping: so what is
 * under way to each of thousands is known from one list. What it was greeted with does not count. All of it holds for
 * readers that ping as they read: the text of a ping is fixed, and whoever pings without reading is not found out here.
 */
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { heartbeatSec, silenceMaxSec, type ServerMessage } from '@halyard/shared/protocol/stream.ts'
import type { Sql } from './sql.ts'

export interface Sent {
  readonly at: number
  readonly kind: ServerMessage['kind']
  readonly bytes: number
}

export interface SentLog {
  /** Oldest first. */
  readonly entries: readonly Sent[]
  /** Of each entry and all after it: their bytes, but for the longest among them. */
  readonly bytesFrom: readonly number[]
}

type KeyClass = AccessKey['class']

/** How long a ping may take to answer a head. */
const answerMs = 10_000

export function createSentTable(sql: Sql): void {
  sql.exec(
    'CREATE TABLE IF NOT EXISTS sent (class TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, bytes INTEGER NOT NULL)',
  )
}

export function noteSent(sql: Sql, keyClass: KeyClass, { at, kind, bytes }: Sent): void {
  sql.exec('INSERT INTO sent (class, at, kind, bytes) VALUES (?, ?, ?, ?)', keyClass, at, kind, bytes)
}

/** Forgets what was sent before any ping that still counts. */
export function trimSent(sql: Sql, now: number): void {
  sql.exec('DELETE FROM sent WHERE at < ?', now - (silenceMaxSec + 2 * heartbeatSec) * 1000)
}

export function readSent(sql: Sql, keyClass: KeyClass): SentLog {
  const entries = sql
    .exec<{ at: number; kind: string; bytes: number }>(
      'SELECT at, kind, bytes FROM sent WHERE class = ? ORDER BY at, rowid',
      keyClass,
    )
    .toArray() as unknown as Sent[] // written by noteSent only
  const bytesFrom: number[] = []
  let bytes = 0
  let longest = 0
  for (const { bytes: each } of entries.toReversed()) {
    bytes += each
    // A snapshot, or a delta as long as one, may take its time: nobody is to be let go for a single message.
    longest = Math.max(longest, each)
    bytesFrom.push(bytes - longest)
  }
  return { entries, bytesFrom: bytesFrom.toReversed() }
}

/** How much is under way to a socket that was last heard at that moment. */
export function outstandingBytes({ entries, bytesFrom }: SentLog, heardAt: number): number {
  return bytesFrom[firstSince(entries, heardAt)] ?? 0
}

/** Whether a socket was not heard for too long, although it had a head to answer. */
export function isSilent({ entries }: SentLog, heardAt: number, now: number): boolean {
  if (now - heardAt < silenceMaxSec * 1000) return false
  return entries.some(({ at, kind }) => kind === 'head' && at > heardAt && at <= now - answerMs)
}

/** The bytes that were sent since the last head. */
export function bytesSinceHead({ entries }: SentLog): number {
  return entries
    .slice(entries.findLastIndex(({ kind }) => kind === 'head') + 1)
    .reduce((sum, { bytes }) => sum + bytes, 0)
}

function firstSince(entries: readonly Sent[], at: number): number {
  let [low, high] = [0, entries.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((entries[middle]?.at ?? at) < at) low = middle + 1
    else high = middle
  }
  return low
}
