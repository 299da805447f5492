import { and, eq, sql, type SQL } from 'drizzle-orm'
import type { UsageMessage } from '@halyard/shared/contract/usage.ts'
import type { Database, Tx } from '../store/database.ts'
import { addMetrics } from '../store/add-metrics.ts'
import { addUsage } from '../store/add-usage.ts'
import { usageBatches } from '../store/publication-schema.ts'
import { flags, variants } from '../store/schema.ts'
import { readKnownMetrics } from './known-metrics.ts'
import { rollUpMetrics, type MetricId } from './roll-up-metrics.ts'
import { knownCounts, rollUp, type CountedFlag, type KnownCount } from './roll-up.ts'

interface Place {
  readonly orgId: string
  readonly projectId: string
  readonly environmentId: string
}

/** Rows that one statement writes. */
const rowsMax = 2_000

/**
 * Adds messages of one environment to its roll-ups, each once, however often it comes. They are one transaction, and
 * what they say of the same row is written once. Gives the metrics that have no place, which are not counted. Throws if
 * the database fails; then nothing was counted.
 */
export async function countMessages(
  db: Database,
  environmentId: string,
  { messages, now }: { readonly messages: readonly UsageMessage[]; readonly now: Date },
): Promise<readonly MetricId[]> {
  const found = await db.findEnvironment(environmentId)
  if (!found) return [] // it was purged meanwhile
  const place = { orgId: found.org_id, projectId: found.project_id, environmentId }
  return await db.write(place.orgId, async (tx) => {
    const counts = await readKnown(tx, place, messages)
    const { byMessage: metrics, leftOut } = await readKnownMetrics(tx, place, messages)
    const taken = await takeNew(tx, { ...place, now }, new Set([...counts.keys(), ...metrics.keys()]))
    await inPortions(rollUp(taken.flatMap((id) => counts.get(id) ?? [])), (rows) => addUsage(tx, place, rows))
    const rolledUp = rollUpMetrics(taken.flatMap((id) => metrics.get(id) ?? []))
    await inPortions(rolledUp, (rows) => addMetrics(tx, place, rows))
    return leftOut
  })
}

async function inPortions<Row>(
  rows: readonly Row[],
  write: (rows: readonly Row[]) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < rows.length; at += rowsMax) {
    await write(rows.slice(at, at + rowsMax)) // oxlint-disable-line no-await-in-loop -- one connection
  }
}

/** By the id of its message, what can be counted; a message of which nothing can leaves no trace. */
async function readKnown(
  tx: Tx,
  place: Place,
  messages: readonly UsageMessage[],
): Promise<ReadonlyMap<string, readonly KnownCount[]>> {
  const named = messages.flatMap(({ counts }) => counts.flatMap(({ given }) => given.map(([flag]) => flag)))
  const rows = await readFlags(tx, place, [...new Set(named)])
  const byKey = new Map(rows.map((flag) => [flag.key, flag]))
  const known = new Map<string, readonly KnownCount[]>()
  for (const message of messages) {
    const counts = knownCounts(message, byKey)
    if (counts.length > 0 && !known.has(message.id)) known.set(message.id, counts)
  }
  return known
}

/** The ids of messages that were not counted before; from now on they were. */
async function takeNew(
  tx: Tx,
  { orgId, environmentId, now }: Place & { readonly now: Date },
  known: ReadonlySet<string>,
): Promise<string[]> {
  if (known.size === 0) return []
  // In one order: who takes some of the same waits for this, and none in a circle.
  const ids = [...known].toSorted()
  const taken = await tx
    .insert(usageBatches)
    .values(ids.map((id) => ({ orgId, environmentId, id, receivedAt: now })))
    .onConflictDoNothing()
    .returning({ id: usageBatches.id })
  return taken.map(({ id }) => id)
}

async function readFlags(
  tx: Tx,
  { orgId, projectId }: Place,
  keys: readonly string[],
): Promise<CountedFlag[]> {
  return await tx
    .select({
      id: flags.id,
      key: flags.key,
      clientVisible: flags.clientVisible,
      variants: sql<string[]>`array_agg(${variants.key})`,
    })
    .from(flags)
    .innerJoin(variants, and(eq(variants.orgId, flags.orgId), eq(variants.flagId, flags.id)))
    .where(and(eq(flags.orgId, orgId), eq(flags.projectId, projectId), isOneOf(keys)))
    .groupBy(flags.id, flags.key, flags.clientVisible)
}

function isOneOf(keys: readonly string[]): SQL {
  return sql`${flags.key} in (select json_array_elements_text(${JSON.stringify(keys)}::json))`
}
