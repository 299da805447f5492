/** Who relays an environment, what each was last known to hold, and when it said so. */
import type { Receipt } from '@halyard/shared/protocol/hub.ts'
import { compareVersions, type Version } from '@halyard/shared/protocol/version.ts'
import type { RelayBeat } from './relay-wire.ts'
import type { Sql } from './sql.ts'

/** A relay that was not heard for so long is forgotten: it will be back with its next beat. */
export const unheardMaxMs = 60_000
/** Versions whose receipts are kept. */
export const receiptVersionsMax = 64
const retryMs = 1000
const retryMaxMs = 15_000

export interface ListedRelay {
  readonly relay: string
  readonly failures: number
}

export function createRelayTables(sql: Sql): void {
  sql.exec(
    `CREATE TABLE IF NOT EXISTS relays (relay TEXT PRIMARY KEY, since INTEGER NOT NULL, heard_at INTEGER NOT NULL,
     sent_at INTEGER NOT NULL, sockets INTEGER NOT NULL, failures INTEGER NOT NULL, push_at INTEGER)`,
  )
  sql.exec(
    `CREATE TABLE IF NOT EXISTS versions (epoch INTEGER NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
     PRIMARY KEY (epoch, version))`,
  )
  sql.exec(
    `CREATE TABLE IF NOT EXISTS receipts (epoch INTEGER NOT NULL, version INTEGER NOT NULL, relay TEXT NOT NULL,
     acked_at INTEGER NOT NULL, PRIMARY KEY (epoch, version, relay))`,
  )
}

/** From now on there is this version to be pushed, and confirmed: if the first try is lost the alarm makes another. */
export function noteVersion(sql: Sql, { epoch, version }: Version, now: number): void {
  sql.exec('INSERT OR REPLACE INTO versions (epoch, version, at) VALUES (?, ?, ?)', epoch, version, now)
  const kept = 'SELECT epoch, version FROM versions ORDER BY epoch DESC, version DESC LIMIT ?'
  sql.exec(`DELETE FROM versions WHERE (epoch, version) NOT IN (${kept})`, receiptVersionsMax)
  sql.exec('DELETE FROM receipts WHERE (epoch, version) NOT IN (SELECT epoch, version FROM versions)')
  sql.exec('UPDATE relays SET failures = 0, push_at = ?', now + retryMs)
}

/** Enters a relay that was heard. */
export function enterRelay(sql: Sql, { relay, sockets, sentAt }: RelayBeat, now: number): void {
  sql.exec(
    `INSERT INTO relays (relay, since, heard_at, sent_at, sockets, failures) VALUES (?1, ?2, ?2, ?3, ?4, 0)
     ON CONFLICT (relay) DO UPDATE SET heard_at = ?2, sent_at = max(sent_at, ?3), sockets = ?4`,
    relay,
    now,
    sentAt,
    sockets,
  )
}

/** Strikes off a relay that took its leave, unless it has said otherwise since. Both times are of its own clock. */
export function dismissRelay(sql: Sql, { relay, sentAt }: Pick<RelayBeat, 'relay' | 'sentAt'>): void {
  sql.exec('DELETE FROM relays WHERE relay = ? AND sent_at <= ?', relay, sentAt)
}

/** Strikes off a relay that wants to hear nothing, unless it was heard since it was told. Both times are of the hub's clock. */
export function dropUnheard(sql: Sql, relay: string, toldAt: number): void {
  sql.exec('DELETE FROM relays WHERE relay = ? AND heard_at < ?', relay, toldAt)
}

/** Notes what a relay says that it holds. It then has whatever was published before, too, since it was entered. */
export function noteAck(sql: Sql, relay: string, held: Version, now: number): void {
  sql.exec(
    `INSERT OR IGNORE INTO receipts (epoch, version, relay, acked_at)
     SELECT v.epoch, v.version, r.relay, ?1 FROM versions v, relays r WHERE r.relay = ?2
     AND (v.epoch, v.version) <= (?3, ?4) AND (v.at >= r.since OR (v.epoch, v.version) = (?3, ?4))`,
    now,
    relay,
    held.epoch,
    held.version,
  )
  const [newest] = sql
    .exec<{ epoch: number; version: number }>(
      'SELECT epoch, version FROM versions ORDER BY epoch DESC, version DESC LIMIT 1',
    )
    .toArray()
  if (newest && compareVersions(held, newest) < 0) return
  sql.exec('UPDATE relays SET failures = 0, push_at = NULL WHERE relay = ?', relay)
}

/** Those that have been heard of late. */
export function listRelays(sql: Sql, now: number): readonly ListedRelay[] {
  sql.exec('DELETE FROM relays WHERE heard_at < ?', now - unheardMaxMs)
  return sql.exec<Row>('SELECT relay, failures FROM relays ORDER BY relay').toArray()
}

/** Those of them that are to be told again now. The next try of each is set, whatever becomes of this one. */
export function takeDuePushes(sql: Sql, now: number): readonly ListedRelay[] {
  listRelays(sql, now)
  const due = sql
    .exec<Row>('SELECT relay, failures FROM relays WHERE push_at <= ? ORDER BY relay', now)
    .toArray()
  for (const { relay, failures } of due) {
    const wait = Math.min(retryMs * 2 ** (failures + 1), retryMaxMs)
    sql.exec('UPDATE relays SET failures = ?, push_at = ? WHERE relay = ?', failures + 1, now + wait, relay)
  }
  return due
}

export function nextPush(sql: Sql): number | null {
  const [row] = sql.exec<{ at: number | null }>('SELECT min(push_at) AS at FROM relays').toArray()
  return row?.at ?? null
}

/** How many relays the region of this one has, counted by the highest number. */
export function countShards(sql: Sql, relay: string): number {
  const region = relay.slice(0, relay.indexOf('/') + 1)
  const numbers = sql
    .exec<{ relay: string }>('SELECT relay FROM relays')
    .toArray()
    .filter((each) => each.relay.startsWith(region))
    .map((each) => Number(each.relay.slice(region.length)))
  return Math.max(0, ...numbers) + 1
}

/** When each relay confirmed that version; null if it is not among the last. */
export function readReceipts(sql: Sql, { epoch, version }: Version): readonly Receipt[] | null {
  const known = sql.exec('SELECT 1 FROM versions WHERE epoch = ? AND version = ?', epoch, version).toArray()
  if (known.length === 0) return null
  return sql
    .exec<{ relay: string; ackedAt: number }>(
      'SELECT relay, acked_at AS ackedAt FROM receipts WHERE epoch = ? AND version = ? ORDER BY acked_at, relay',
      epoch,
      version,
    )
    .toArray()
}

type Row = { [Name in keyof ListedRelay]: ListedRelay[Name] }
