import { listMetrics, type MetricCount, type UsageMessage } from '@halyard/shared/contract/usage.ts'

/** What is tracked, by the class of the keys that it came with. */
export interface MetricId {
  readonly source: 'server' | 'client'
  readonly name: string
}

export type KnownMetric = MetricCount & MetricId

/** What counts add to one row of the roll-ups of metrics. */
export interface MetricRollUp extends MetricId {
  readonly hour: Date
  readonly count: number
  readonly sum: number | null
}

const hourMs = 3_600_000

/** The metrics of a message. An edge tracks nothing itself. */
export function metricsOf(message: UsageMessage): KnownMetric[] {
  const { source } = message
  return source === 'edge' ? [] : listMetrics(message).map((count) => ({ ...count, source }))
}

/** A text that stands for a metric of an environment. Neither part holds a blank. */
export function idOf({ source, name }: MetricId): string {
  return `${source} ${name}`
}

/** Counts by source, name and hour, in the one order in which rows are locked. */
export function rollUpMetrics(counts: readonly KnownMetric[]): readonly MetricRollUp[] {
  const rows = new Map<string, MetricRollUp>()
  for (const { source, name, count, sum, to } of counts) {
    const hour = new Date(Math.floor(to / hourMs) * hourMs)
    const key = `${idOf({ source, name })} ${hour.getTime()}`
    const row = rows.get(key)
    rows.set(key, {
      source,
      name,
      hour,
      count: count + (row?.count ?? 0),
      sum: sum === null ? (row?.sum ?? null) : sum + (row?.sum ?? 0),
    })
  }
  return [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}
