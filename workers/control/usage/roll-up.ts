import type { UsageMessage } from '@halyard/shared/contract/usage.ts'

/** A flag that counts may be for. */
export interface CountedFlag {
  readonly id: string
  readonly key: string
  readonly clientVisible: boolean
  readonly variants: readonly string[]
}

/** What a message adds to one row of the roll-ups. */
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
 * The counts of a message by flag, hour and variant, in the order in which every message locks rows. Flags and variants
 * that do not exist are left out, and for class client those that it may not see: whoever finds such a key can neither
 * fill the table nor reach what is hidden from it.
 */
export function rollUp({ counts, source }: UsageMessage, flags: readonly CountedFlag[]): readonly RollUp[] {
  const byKey = new Map(flags.map((flag) => [flag.key, flag]))
  const rows = new Map<string, RollUp>()
  for (const { kind, flag: key, variant, count, to } of counts) {
    const flag = byKey.get(key)
    if (!flag || (source === 'client' && !flag.clientVisible)) continue
    if (variant !== null && !flag.variants.includes(variant)) continue
    const hour = Math.floor(to / hourMs) * hourMs
    const name = JSON.stringify([flag.id, hour, variant ?? ''])
    const row = rows.get(name) ?? emptyRow(flag.id, hour, variant ?? '')
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
