/** What is refused when it is saved, because it could never be published. */
import { and, count, eq, inArray, isNull, sql } from 'drizzle-orm'
import { limits } from '@halyard/shared/contract/limits.ts'
import { snapshotSizeMax } from '@halyard/shared/protocol/head.ts'
import type { FlagRecord } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import type { Tx } from '../store/database.ts'
import { environments, flags, flagStates } from '../store/schema.ts'

/** Refuses so many more live flags in a project as it may not have. */
export async function refuseTooManyFlags(
  tx: Tx,
  { orgId, id }: { readonly orgId: string; readonly id: string },
  more: number,
) {
  const [present] = await tx
    .select({ flags: count() })
    .from(flags)
    .where(and(eq(flags.orgId, orgId), eq(flags.projectId, id), isNull(flags.archivedAt)))
  if ((present?.flags ?? 0) + more > limits.flagsPerEnvironment) {
    throw new ProblemError('limit_reached', {
      detail: `a project may have ${limits.flagsPerEnvironment} flags`,
    })
  }
}

/**
 * Whether a flag may take more room than before. Being switched off does not count: no kill switch is ever refused, and
 * what `lineSize` adds has room for it.
 */
export function mayGrow(before: FlagRecord, after: FlagRecord): boolean {
  return !after.archived && (before.archived || sizeOf(after) > sizeOf(before))
}

/** An upper bound of the bytes of a flag's line: the rows' own JSON, and what the compiler writes around it. */
const lineSize = sql<number>`octet_length(${flags.key}) + octet_length(${flagStates.state}::text) + 160 + (
  select coalesce(sum(octet_length(to_json(v.key)::text) + octet_length(v.value::text) + 20), 0)
  from variants v where v.org_id = ${flags.orgId} and v.flag_id = ${flags.id})`

/** At most how many bytes the snapshots of these environments take, by their keys. */
export async function measureSnapshots(tx: Tx, orgId: string, rows: readonly { readonly id: string }[]) {
  const ids = rows.map((row) => row.id)
  return await tx
    .select({ environment: environments.key, size: sql<number>`sum(${lineSize})`.mapWith(Number) })
    .from(flagStates)
    .innerJoin(flags, and(eq(flags.orgId, flagStates.orgId), eq(flags.id, flagStates.flagId)))
    .innerJoin(
      environments,
      and(eq(environments.orgId, flagStates.orgId), eq(environments.id, flagStates.environmentId)),
    )
    .where(and(eq(flagStates.orgId, orgId), inArray(flagStates.environmentId, ids), isNull(flags.archivedAt)))
    .groupBy(environments.key)
}

/** Refuses a change after which the snapshot of an environment would be larger than the hub takes. */
export async function refuseOversize(tx: Tx, orgId: string, rows: readonly { readonly id: string }[]) {
  const over = (await measureSnapshots(tx, orgId, rows)).find(({ size }) => size > snapshotSizeMax)
  if (over) {
    throw new ProblemError('limit_reached', {
      detail: `the flags of ${over.environment} would take ${over.size} bytes, more than ${snapshotSizeMax}`,
    })
  }
}

function sizeOf(record: FlagRecord): number {
  const text = JSON.stringify({ ...record, state: { ...record.state, enabled: true } })
  return new TextEncoder().encode(text).length
}
