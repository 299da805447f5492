import { and, desc, eq } from 'drizzle-orm'
import { CommandError, exitCodes } from '../cli/command-error.ts'
import { auditEntries } from '../workers/control/store/schema.ts'
import { noteInAudit } from '../workers/control/usecases/system-change.ts'
import type { Operator } from './operator.ts'

/** The switch of the whole installation. */
export interface Switch {
  /** RFC 3339; null: it publishes. */
  readonly frozenSince: string | null
  readonly comment: string | null
}

interface SwitchRow {
  readonly at: Date | null
  readonly comment: string | null
}

export async function readSwitch({ client }: Operator): Promise<Switch> {
  const { rows } = await client.query<SwitchRow>(
    'select frozen_at as at, frozen_comment as comment from installation',
  )
  const [row] = rows
  if (!row)
    throw new CommandError(exitCodes.failed, 'the table installation has no row: nothing can be frozen', [
      'as the owner of the tables: INSERT INTO installation DEFAULT VALUES',
    ])
  return { frozenSince: row.at?.toISOString() ?? null, comment: row.comment }
}

interface Wanted {
  readonly isFrozen: boolean
  readonly comment: string
}

/**
 * Stops all publishing at once, or lets it go on; then says so in the audit of every tenant. Repeating it adds only
 * the entries that are missing. Gives how the switch stands, and whether it was turned now.
 */
export async function turnSwitch(
  operator: Operator,
  wanted: Wanted,
): Promise<Switch & { readonly isTurned: boolean }> {
  const { client, db, nowMs } = operator
  const { isFrozen, comment } = wanted
  const { rowCount } = await client.query(
    `update installation set frozen_at = case when $1 then $2::timestamptz end, frozen_comment = case when $1 then $3 end
     where (frozen_at is not null) <> $1`,
    [isFrozen, new Date(nowMs()), comment],
  )
  const isTurned = rowCount === 1
  const found = await readSwitch(operator)
  if ((found.frozenSince !== null) !== isFrozen)
    throw new CommandError(exitCodes.failed, `it is still ${isFrozen ? 'not ' : ''}frozen: try again`)
  const action = isFrozen ? 'installation.freeze' : 'installation.unfreeze'
  const note = { action, comment: found.comment ?? comment } as const
  for (const orgId of await db.listOrganizations()) {
    // oxlint-disable-next-line no-await-in-loop -- one tenant after another
    if (isTurned || (await lacksNote(operator, orgId, action))) await noteInAudit(operator, orgId, note)
  }
  return { ...found, isTurned }
}

/** Whoever turned it may have died before every tenant was told. */
async function lacksNote({ db }: Operator, orgId: string, action: string): Promise<boolean> {
  const isNote = and(eq(auditEntries.orgId, orgId), eq(auditEntries.resource, 'installation'))
  const { sequence } = auditEntries
  const [[last]] = await db.read(orgId, (read) => [
    read.select().from(auditEntries).where(isNote).orderBy(desc(sequence)).limit(1),
  ])
  return (last?.action ?? 'installation.unfreeze') !== action
}
