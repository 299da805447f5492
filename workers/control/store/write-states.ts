/** Many states of one environment at once. */
import { sql } from 'drizzle-orm'
import type { AppliedFlagState, AppliedSegmentState } from '@halyard/shared/checks/applied-state.ts'
import type { Tx } from './database.ts'
import { flagStates } from './schema.ts'
import { segmentStates } from './segment-schema.ts'
import type { SegmentStateRow } from './select-segments.ts'
import type { StateRow } from './select.ts'

interface Next<Row, State> {
  readonly row: Row & { readonly orgId: string }
  readonly next: State
}

/** Each becomes its next revision. */
export async function writeFlagStates(
  tx: Tx,
  now: Date,
  changes: readonly Next<StateRow, AppliedFlagState>[],
) {
  const rows = changes.map(({ row: { orgId, environmentId, flagId, stateRevision }, next }) => ({
    orgId,
    environmentId,
    flagId,
    state: next,
    revision: stateRevision + 1,
    updatedAt: now,
  }))
  const target = [flagStates.orgId, flagStates.environmentId, flagStates.flagId]
  for (let start = 0; start < rows.length; start += rowsMax) {
    const part = rows.slice(start, start + rowsMax)
    await tx.insert(flagStates).values(part).onConflictDoUpdate({ target, set: replaced }) // oxlint-disable-line no-await-in-loop -- one connection
  }
}

/** Each becomes its next revision. */
export async function writeSegmentStates(
  tx: Tx,
  now: Date,
  changes: readonly Next<SegmentStateRow, AppliedSegmentState>[],
) {
  const rows = changes.map(({ row: { orgId, environmentId, segmentId, stateRevision }, next }) => ({
    orgId,
    environmentId,
    segmentId,
    state: next,
    revision: stateRevision + 1,
    updatedAt: now,
  }))
  const target = [segmentStates.orgId, segmentStates.environmentId, segmentStates.segmentId]
  for (let start = 0; start < rows.length; start += rowsMax) {
    const part = rows.slice(start, start + rowsMax)
    await tx.insert(segmentStates).values(part).onConflictDoUpdate({ target, set: replaced }) // oxlint-disable-line no-await-in-loop -- one connection
  }
}

const rowsMax = 500

/** Every row is there already: an insert that meets it is an update of many at once. */
const replaced = {
  state: sql`excluded.state`,
  revision: sql`excluded.revision`,
  updatedAt: sql`excluded.updated_at`,
}
