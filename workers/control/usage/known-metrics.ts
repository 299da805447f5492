/** Each class of key has room for so many names of metrics in an environment: nobody fills the tables with names. */
import type { UsageMessage } from '@halyard/shared/contract/usage.ts'
import { eventLimits } from '@halyard/shared/protocol/event-limits.ts'
import { keepMetrics, lockMetrics, readMetrics } from '../store/add-metrics.ts'
import type { Tx } from '../store/database.ts'
import { idOf, metricsOf, type KnownMetric, type MetricId } from './roll-up-metrics.ts'

export interface KnownMetrics {
  /** By the id of its message. */
  readonly byMessage: ReadonlyMap<string, readonly KnownMetric[]>
  /** For which there was no room. */
  readonly leftOut: readonly MetricId[]
}

type Place = Parameters<typeof readMetrics>[1]
type Given = MetricId & { readonly lastAt: Date }

/** What can be counted of the metrics of some messages; new ones get a place while there is room. */
export async function readKnownMetrics(
  tx: Tx,
  place: Place,
  messages: readonly UsageMessage[],
): Promise<KnownMetrics> {
  const all = messages.map((message) => ({ id: message.id, metrics: metricsOf(message) }))
  const given = givenIn(all.flatMap(({ metrics }) => metrics))
  if (given.length === 0) return { byMessage: new Map(), leftOut: [] }
  const placed = await placeOf(tx, place, given)
  const byMessage = new Map<string, readonly KnownMetric[]>()
  for (const { id, metrics } of all) {
    const known = metrics.filter((metric) => placed.has(idOf(metric)))
    if (known.length > 0) byMessage.set(id, known)
  }
  return { byMessage, leftOut: given.filter((metric) => !placed.has(idOf(metric))) }
}

/** Those of the given that have a place from now on. */
async function placeOf(tx: Tx, place: Place, given: readonly Given[]): Promise<ReadonlySet<string>> {
  let kept = await readMetrics(tx, place)
  let placed = new Set(kept.map(idOf))
  if (given.some((metric) => !placed.has(idOf(metric)))) {
    await lockMetrics(tx, place)
    kept = await readMetrics(tx, place) // others may have come meanwhile
    placed = new Set(kept.map(idOf))
  }
  const used = { server: 0, client: 0 }
  for (const { source } of kept) used[source]++
  for (const metric of given) {
    if (placed.has(idOf(metric)) || used[metric.source] >= eventLimits.metricNames) continue
    used[metric.source]++
    placed.add(idOf(metric))
  }
  await keepMetrics(
    tx,
    place,
    given.filter((metric) => placed.has(idOf(metric))),
  )
  return placed
}

/** Each metric once, with its last moment, in the one order in which rows are locked. */
function givenIn(metrics: readonly KnownMetric[]): Given[] {
  const given = new Map<string, Given>()
  for (const { source, name, to } of metrics) {
    const id = idOf({ source, name })
    const lastAt = new Date(Math.max(given.get(id)?.lastAt.getTime() ?? to, to))
    given.set(id, { source, name, lastAt })
  }
  return [...given].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, metric]) => metric)
}
