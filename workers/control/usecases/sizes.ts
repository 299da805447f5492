/** What is refused when it is saved, because it could never be published. */
import { and, count, eq, inArray, isNull, sql, type SQL } from 'drizzle-orm'
import { patternsIn, sumPatternSizes } from '@halyard/shared/checks/pattern-sizes.ts'
import type { Condition } from '@halyard/shared/contract/condition.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import { snapshotSizeMax } from '@halyard/shared/protocol/head.ts'
import type { FlagRecord, LayerRecord, SegmentRecord } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import type { Tx } from '../store/database.ts'
import { environments, flags, flagStates } from '../store/schema.ts'
import { layers, segments, segmentStates } from '../store/segment-schema.ts'

const kinds = {
  flags: { table: flags, max: limits.flagsPerEnvironment },
  segments: { table: segments, max: limits.segmentsPerEnvironment },
  layers: { table: layers, max: limits.layersPerProject },
} as const

interface Place {
  readonly orgId: string
  readonly id: string
}

/** Refuses so many more live flags, segments or layers in a project as it may not have. */
export async function refuseTooMany(tx: Tx, kind: keyof typeof kinds, project: Place, more: number) {
  const { table, max } = kinds[kind]
  const [present] = await tx
    .select({ live: count() })
    .from(table)
    .where(and(eq(table.orgId, project.orgId), eq(table.projectId, project.id), isNull(table.archivedAt)))
  if ((present?.live ?? 0) + more > max)
    throw new ProblemError('limit_reached', { detail: `a project may have ${max} ${kind}` })
}

/**
 * Whether something may take more room, or hold more or costlier patterns, than before; it did not exist if that is null. Being switched off does not
 * count: no kill switch is ever refused, and what `flagSize` adds has room for it.
 */
export function mayGrow<R extends FlagRecord | SegmentRecord | LayerRecord>(
  before: R | null,
  after: R,
): boolean {
  if (after.archived) return false
  if (before === null || before.archived) return true
  const [old, now] = [measure(before), measure(after)]
  if (now.size > old.size || now.patterns.length > old.patterns.length) return true
  // What holds the same patterns is not compiled for it.
  return (
    now.patterns.join('\n') !== old.patterns.join('\n') &&
    sumPatternSizes(now.patterns) > sumPatternSizes(old.patterns)
  )
}

/** Refuses a change after which an environment would be larger than the hub takes, or hold more patterns than allowed. */
export async function refuseOversize(tx: Tx, orgId: string, rows: readonly { readonly id: string }[]) {
  for (const { id, environment, size, patterns } of await measureSnapshots(tx, orgId, rows)) {
    if (size > snapshotSizeMax) {
      throw new ProblemError('limit_reached', {
        detail: `the flags and segments of ${environment} would take ${size} bytes, more than ${snapshotSizeMax}`,
      })
    }
    if (patterns > limits.patternsPerEnvironment) {
      throw new ProblemError('limit_reached', {
        detail: `the flags and segments of ${environment} would hold ${patterns} patterns (matches), more than ${limits.patternsPerEnvironment}`,
      })
    }
    if (patterns > 0) await refuseCostlyPatterns(tx, { orgId, id, environment }) // oxlint-disable-line no-await-in-loop -- one connection
  }
}

/** At most how many bytes the snapshots of these environments take, and how many patterns they hold. */
export async function measureSnapshots(tx: Tx, orgId: string, rows: readonly { readonly id: string }[]) {
  const ids = rows.map((row) => row.id)
  if (ids.length === 0) return []
  const ofFlags = await tx
    .select({
      id: flagStates.environmentId,
      size: sum(flagSize),
      patterns: sum(patternCountIn(flagStates.state)),
    })
    .from(flagStates)
    .innerJoin(flags, and(eq(flags.orgId, flagStates.orgId), eq(flags.id, flagStates.flagId)))
    .where(and(eq(flagStates.orgId, orgId), inArray(flagStates.environmentId, ids), isNull(flags.archivedAt)))
    .groupBy(flagStates.environmentId)
  const ofSegments = await tx
    .select({
      id: segmentStates.environmentId,
      size: sum(segmentSize),
      patterns: sum(patternCountIn(segmentStates.state)),
    })
    .from(segmentStates)
    .innerJoin(
      segments,
      and(eq(segments.orgId, segmentStates.orgId), eq(segments.id, segmentStates.segmentId)),
    )
    .where(
      and(
        eq(segmentStates.orgId, orgId),
        inArray(segmentStates.environmentId, ids),
        isNull(segments.archivedAt),
      ),
    )
    .groupBy(segmentStates.environmentId)
  const ofPlaces = await tx
    .select({
      id: environments.id,
      environment: environments.key,
      size: sum(layerSize),
      patterns: sql<number>`0`,
    })
    .from(environments)
    .leftJoin(
      layers,
      and(
        eq(layers.orgId, environments.orgId),
        eq(layers.projectId, environments.projectId),
        isNull(layers.archivedAt),
      ),
    )
    .where(and(eq(environments.orgId, orgId), inArray(environments.id, ids)))
    .groupBy(environments.id, environments.key)
  const all = [...ofFlags, ...ofSegments, ...ofPlaces]
  return ofPlaces.map(({ id, environment }) => {
    const own = all.filter((part) => part.id === id)
    const total = (name: 'size' | 'patterns') => own.reduce((whole, part) => whole + part[name], 0)
    return { id, environment, size: total('size'), patterns: total('patterns') }
  })
}

/** An upper bound of the bytes of a flag's line: the rows' own JSON, and what the compiler writes around it. */
const flagSize = sql`octet_length(${flags.key}) + octet_length(${flagStates.state}::text) + 160
  + coalesce(octet_length(to_json(${flags.expiryVariant})::text) + 60, 0) + (
  select coalesce(sum(octet_length(to_json(v.key)::text) + octet_length(v.value::text) + 20), 0)
  from variants v where v.org_id = ${flags.orgId} and v.flag_id = ${flags.id})`

const segmentSize = sql`octet_length(${segments.key}) + octet_length(${segmentStates.state}::text) + 20`

const layerSize = sql`octet_length(${layers.key}) + octet_length(to_json(${layers.by})::text)
  + octet_length(${layers.slots}::text) + 80`

/** As every stored leaf with a pattern says; inside a text the quotes would be escaped. */
const patternMark = '"op":"matches"'

function patternCountIn(state: typeof flagStates.state | typeof segmentStates.state): SQL {
  const text = sql`octet_length(${state}::text)`
  return sql`(${text} - octet_length(replace(${state}::text, ${patternMark}::text, ''))) / ${sql.raw(String(patternMark.length))}`
}

/** Few states hold patterns: at most as many as an environment may have patterns. */
async function refuseCostlyPatterns(tx: Tx, { orgId, id, environment }: Place & { environment: string }) {
  const ofFlags = await tx
    .select({ state: flagStates.state })
    .from(flagStates)
    .innerJoin(flags, and(eq(flags.orgId, flagStates.orgId), eq(flags.id, flagStates.flagId)))
    .where(
      and(eq(flagStates.orgId, orgId), eq(flagStates.environmentId, id), live(flags), marked(flagStates)),
    )
  const ofSegments = await tx
    .select({ when: sql<Condition>`${segmentStates.state} -> 'when'` }) // not the lists of ids, which may be long
    .from(segmentStates)
    .innerJoin(
      segments,
      and(eq(segments.orgId, segmentStates.orgId), eq(segments.id, segmentStates.segmentId)),
    )
    .where(
      and(
        eq(segmentStates.orgId, orgId),
        eq(segmentStates.environmentId, id),
        live(segments),
        marked(segmentStates),
      ),
    )
  const whens = [...ofFlags.flatMap(({ state }) => state.rules), ...ofSegments].map(({ when }) => when)
  const instructions = sumPatternSizes(whens.flatMap(patternsIn))
  if (instructions <= limits.patternInstructionsPerEnvironment) return
  throw new ProblemError('limit_reached', {
    detail: `the patterns (matches) of ${environment} would count as ${instructions} instructions, more than ${limits.patternInstructionsPerEnvironment}: shorten them, or use eq, in, startsWith, contains`,
  })
}

function live(table: typeof flags | typeof segments) {
  return isNull(table.archivedAt)
}

function marked({ state }: typeof flagStates | typeof segmentStates) {
  return sql`position(${patternMark} in ${state}::text) > 0`
}

function sum(expression: SQL): SQL<number> {
  return sql<number>`coalesce(sum(${expression}), 0)`.mapWith(Number)
}

function conditionsOf(record: FlagRecord | SegmentRecord | LayerRecord): readonly Condition[] {
  if (!('state' in record)) return []
  const { state } = record
  return 'rules' in state ? state.rules.map(({ when }) => when) : state.when === null ? [] : [state.when]
}

function measure(record: FlagRecord | SegmentRecord | LayerRecord) {
  const isFlag = 'state' in record && 'enabled' in record.state
  const text = JSON.stringify(isFlag ? { ...record, state: { ...record.state, enabled: true } } : record)
  return {
    size: new TextEncoder().encode(text).length,
    patterns: conditionsOf(record).flatMap(patternsIn),
  }
}
