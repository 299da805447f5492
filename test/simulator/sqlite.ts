/** The SQLite of a Durable Object, as Node has it: what outlives its memory. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'

export interface ObjectStorage {
  readonly sql: { exec: <Row>(query: string, ...bindings: unknown[]) => Cursor<Row> }
  readonly transactionSync: <T>(run: () => T) => T
  readonly close: () => void
}

export interface Cursor<Row> extends Iterable<Row> {
  readonly toArray: () => Row[]
  readonly one: () => Row
  readonly rowsWritten: number
}

export function openObjectStorage(): ObjectStorage {
  const database = new DatabaseSync(':memory:')
  const statements = new Map<string, StatementSync>()
  const exec = <Row>(query: string, ...bindings: unknown[]): Cursor<Row> => {
    // Only a text without bindings may hold several statements, such as those that make tables.
    if (bindings.length === 0 && query.includes(';')) {
      database.exec(query)
      return cursorOf<Row>([])
    }
    const statement = statements.get(query) ?? database.prepare(query)
    statements.set(query, statement)
    const rows = statement.all(...bindings.map(toInput))
    return cursorOf(rows.map((row) => toRow<Row>(row)))
  }
  return {
    sql: { exec },
    transactionSync: (run) => inTransaction(database, run),
    close: () => database.close(),
  }
}

function inTransaction<T>(database: DatabaseSync, run: () => T): T {
  database.exec('SAVEPOINT s')
  try {
    const result = run()
    database.exec('RELEASE s')
    return result
  } catch (cause) {
    database.exec('ROLLBACK TO s; RELEASE s')
    throw cause
  }
}

function cursorOf<Row>(rows: readonly Row[]): Cursor<Row> {
  return {
    toArray: () => [...rows],
    one: () => {
      const [row] = rows
      if (row === undefined || rows.length > 1) throw new Error(`expected one row, found ${rows.length}`)
      return row
    },
    rowsWritten: 0,
    [Symbol.iterator]: () => rows[Symbol.iterator](),
  }
}

/** The platform takes booleans for numbers, and buffers for bytes. */
function toInput(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return Number(value)
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  return value as SQLInputValue // texts, numbers, bytes and null, as the platform takes them
}

/** The platform gives bytes as an `ArrayBuffer`. */
function toRow<Row>(row: Record<string, unknown>): Row {
  for (const name in row) {
    const value = row[name]
    if (value instanceof Uint8Array) row[name] = value.slice().buffer
  }
  return row as Row // as the statement selects them
}
