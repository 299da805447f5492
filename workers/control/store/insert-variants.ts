import { sql } from 'drizzle-orm'
import type { Tx } from './database.ts'
import { variants } from './schema.ts'
import type { FlagRow } from './select.ts'

/** Inserts the variants of new or changed flags. */
export async function insertVariants(tx: Tx, flags: readonly FlagRow[]): Promise<void> {
  const rows = flags.flatMap(({ orgId, id: flagId, variants: list }) =>
    list.map(({ key, value }, position) => ({
      orgId,
      flagId,
      position,
      key,
      // drizzle takes null for SQL's NULL, which is no value of a variant.
      value: value === null ? sql`'null'::json` : value,
    })),
  )
  // A statement has at most 65,535 parameters.
  for (let start = 0; start < rows.length; start += 1_000)
    await tx.insert(variants).values(rows.slice(start, start + 1_000)) // oxlint-disable-line no-await-in-loop -- one connection
}
