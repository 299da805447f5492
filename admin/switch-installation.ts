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
  const { at = null, comment = null } = rows[0] ?? {}
  return { frozenSince: at?.toISOString() ?? null, comment }
}

/**
 * Stops all publishing at once, or lets it go on; then says so in the audit of every tenant. Repeating it changes
 * nothing. Gives how the switch stands, and whether it was turned now.
 */
export async function turnSwitch(
  operator: Operator,
  wanted: { readonly isFrozen: boolean; readonly comment: string },
): Promise<Switch & { readonly isTurned: boolean }> {
  const { client, db, nowMs } = operator
  const { isFrozen, comment } = wanted
  const { rowCount } = await client.query(
    `update installation set frozen_at = case when $1 then $2::timestamptz end, frozen_comment = case when $1 then $3 end
     where (frozen_at is not null) <> $1`,
    [isFrozen, new Date(nowMs()), comment],
  )
  const isTurned = rowCount === 1
  const action = isFrozen ? 'installation.freeze' : 'installation.unfreeze'
  if (isTurned)
    for (const orgId of await db.listOrganizations()) await noteInAudit(operator, orgId, { action, comment }) // oxlint-disable-line no-await-in-loop -- one tenant after another
  return { ...(await readSwitch(operator)), isTurned }
}
