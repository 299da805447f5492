/** As much of the SQLite of a Durable Object as the cores use; anything that runs one statement a call can stand in. */
export interface Sql {
  exec<Row extends Record<string, SqlValue>>(
    query: string,
    ...bindings: (SqlValue | Uint8Array)[]
  ): Iterable<Row> & { toArray(): Row[] }
}

export type SqlValue = ArrayBuffer | string | number | null

export function hasTable(sql: Sql, name: string): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", name).toArray().length > 0
}
