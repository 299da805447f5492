import { listCounts, type UsageCount, type UsageMessage } from '@halyard/shared/contract/usage.ts'

/** A flag that counts may be for. */
export interface CountedFlag {
  readonly id: string
  readonly key: string
  readonly clientVisible: boolean
  readonly variants: readonly string[]
}

/** A count of a flag and variant that there are. */
export interface KnownCount extends UsageCount {
  readonly flagId: string
}

/** What counts add to one row of the roll-ups. */
export interface RollUp {
  readonly flagId: string
  /** Empty for errors. */
  readonly variant: string
  readonly hour: Date
  readonly evaluations: number
  readonly deliveries: number
  readonly lastEvaluatedAt: Date | null
  readonly lastDeliveredAt: Date | null
}

const hourMs = 3_600_000

/**
 * The counts of a message but for flags and variants that do not exist and, for class client, those that it may not see:
 * whoever finds such a key can neither fill the table nor reach what is hidden from it.
 */
export function knownCounts(message: UsageMessage, flags: ReadonlyMap<string, CountedFlag>): KnownCount[] {
  return listCounts(message).flatMap((count) => {
    const flag = flags.get(count.flag)
    if (!flag || (message.source === 'client' && !flag.clientVisible)) return []
    const isKnown = count.variant === null || flag.variants.includes(count.variant)
    return isKnown ? [{ ...count, flagId: flag.id }] : []
  })
}

/** Counts by flag, hour and variant, in the one order in which rows are locked. */
export function rollUp(counts: readonly KnownCount[]): readonly RollUp[] {
  const rows = new Map<string, RollUp>()
  for (const { kind, flagId, variant, count, to } of counts) {
    const hour = Math.floor(to / hourMs) * hourMs
    const name = JSON.stringify([flagId, hour, variant ?? ''])
    const row = rows.get(name) ?? emptyRow(flagId, hour, variant ?? '')
    rows.set(name, kind === 'evaluations' ? evaluated(row, count, to) : delivered(row, count, to))
  }
  return [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}

function emptyRow(flagId: string, hour: number, variant: string): RollUp {
  const never = { lastEvaluatedAt: null, lastDeliveredAt: null }
  return { flagId, variant, hour: new Date(hour), evaluations: 0, deliveries: 0, ...never }
}

function evaluated(row: RollUp, count: number, to: number): RollUp {
  return {
    ...row,
    evaluations: row.evaluations + count,
    lastEvaluatedAt: later(row.lastEvaluatedAt, to),
  }
}

function delivered(row: RollUp, count: number, to: number): RollUp {
  return { ...row, deliveries: row.deliveries + count, lastDeliveredAt: later(row.lastDeliveredAt, to) }
}

function later(last: Date | null, to: number): Date {
  return new Date(Math.max(last?.getTime() ?? to, to))
}
