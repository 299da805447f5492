/** The primary database: what was committed, and what became of it when it was restored. */
import { compareVersions, formatVersion, type Version } from '@halyard/shared/protocol/version.ts'
import type { HistoryRow } from '../../workers/control/ports.ts'
import type { Committed, ConfirmedHead, KnownVersion } from '../../workers/control/publication/publish.ts'
import type { Compiled } from '../../workers/control/publication/compile.ts'
import { compileRows } from './compile.ts'

export interface Database {
  state: State
  /** All that was ever committed, also what a restored database knows nothing of. */
  readonly commits: Commit[]
  /** How often it was restored. */
  restores: number
  /** Since when publishing is switched off; null: it is not. */
  frozenSince: number | null
  /** What each version was compiled to, by token and hash of the body. */
  readonly made: Map<string, Compiled>
}

export interface State {
  readonly at: Version
  readonly rows: ReadonlyMap<string, HistoryRow>
  /** All versions that it knows of, in order, this one included. */
  readonly past: readonly { readonly at: Version; readonly known: KnownVersion }[]
  readonly isFrozen: boolean
  readonly isEpochRequired: boolean
  /** The epoch that the hub was found at when it was ahead; 0: it never was. */
  readonly hubEpoch: number
  /** Versions that wait for the hub. */
  readonly outbox: readonly Version[]
}

export interface Commit {
  readonly state: State
  /** Epoch milliseconds. */
  readonly time: number
}

export function makeDatabase(rows: readonly HistoryRow[], time: number): Database {
  const at = { epoch: 1, version: 0 }
  const switches = { isFrozen: false, isEpochRequired: false, hubEpoch: 0 }
  const state = { at, rows: new Map(), past: [], ...switches, outbox: [] }
  const database: Database = { state, commits: [], restores: 0, frozenSince: null, made: new Map() }
  commit(database, rows, time)
  return database
}

/** Raises the version by one with these rows changed. Null: writes are refused until the epoch is raised. */
export function commit(database: Database, changed: readonly HistoryRow[], time: number): Version | null {
  const { state } = database
  if (state.isEpochRequired) return null
  return raise(database, { ...state, rows: withRows(state.rows, changed) }, time)
}

/** The operator says that everything from now on is above all that was published before. */
export function raiseEpoch(database: Database, time: number): Version {
  const { state } = database
  const at = { epoch: Math.max(state.at.epoch, state.hubEpoch) + 1, version: state.at.version }
  return raise(database, { ...state, at, isEpochRequired: false, hubEpoch: 0 }, time)
}

/** The database is what it was after an earlier commit. */
export function restore(database: Database, { state }: Commit): void {
  database.state = { ...state, isFrozen: database.state.isFrozen }
  database.restores += 1
}

export function setFrozen(database: Database, isFrozen: boolean, time: number): void {
  database.state = { ...database.state, isFrozen }
  database.frozenSince = isFrozen ? time : null
}

export function readCommitted({ state }: Database): Committed {
  const { at, rows, isFrozen, isEpochRequired } = state
  return { at, rows: [...rows.values()], isFrozen, isEpochRequired }
}

export function confirmHead(database: Database, head: ConfirmedHead): void {
  const { state } = database
  const outbox = state.outbox.filter((at) => compareVersions(at, head) > 0)
  database.state = { ...state, outbox }
}

export function readKnown({ state }: Database, at: Version): KnownVersion | null {
  return state.past.find((one) => compareVersions(one.at, at) === 0)?.known ?? null
}

export function requireEpoch(database: Database, hubEpoch: number): void {
  const { state } = database
  if (state.at.epoch <= hubEpoch) database.state = { ...state, isEpochRequired: true, hubEpoch }
}

/** What a version was compiled to, with the body of that hash; undefined if it never was. */
export function findMade({ made }: Database, at: Version, snapshotHash: string): Compiled | undefined {
  return made.get(`${formatVersion(at)} ${snapshotHash}`)
}

function raise(database: Database, state: State, time: number): Version {
  const at = { epoch: state.at.epoch, version: state.at.version + 1 }
  // Nothing is noted of what was published: a publisher has to compile it again.
  const known = { committedAt: time, rows: [...state.rows.values()], published: null }
  const past = [...state.past, { at, known }]
  database.state = { ...state, at, past, outbox: [...state.outbox, at] }
  database.commits.push({ state: database.state, time })
  const compiled = compileRows(at, [...state.rows.values()])
  database.made.set(`${formatVersion(at)} ${compiled.head.snapshotHash}`, compiled)
  return at
}

function withRows(
  rows: ReadonlyMap<string, HistoryRow>,
  changed: readonly HistoryRow[],
): ReadonlyMap<string, HistoryRow> {
  const next = new Map(rows)
  for (const row of changed) next.set(row.objectId, row)
  return next
}
