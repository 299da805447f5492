import * as z from 'zod'
import { eventLimits } from '../protocol/event-limits.ts'
import { FlagKey, MetricName, VariantKey } from './key.ts'
import { Moment } from './moment.ts'

const count = z.int().min(1).max(eventLimits.count)
const sum = z.number().min(-eventLimits.sum).max(eventLimits.sum)
const batchId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 _ -')
  .meta({ description: 'Chosen by the sender: a batch that comes again under its id is counted once' })

/** How often a flag was evaluated to one variant within a window, which counts in the hour of its end. */
export const EvaluationSummary = z
  .strictObject({
    kind: z.literal('evaluations'),
    flag: FlagKey,
    variant: VariantKey.nullable().meta({ description: 'null: the evaluation was an error, and gave none' }),
    count,
    from: Moment,
    to: Moment,
  })
  .meta({ id: 'EvaluationSummary' })

/** How often something that an application tracks happened within a window, and the sum of the values given with it. */
export const MetricSummary = z
  .strictObject({
    kind: z.literal('metric'),
    name: MetricName,
    count,
    sum: sum.optional().meta({ description: 'Of the given values; left out if none was given' }),
    from: Moment,
    to: Moment,
  })
  .meta({ id: 'MetricSummary' })
export type MetricSummary = z.input<typeof MetricSummary>

/** The body of `POST /v1/events` at the edge, which checks the same by hand: zod stays out of its code. */
export const EventBatch = z
  .strictObject({
    id: batchId,
    events: z
      .array(z.discriminatedUnion('kind', [EvaluationSummary, MetricSummary]))
      .min(1)
      .max(eventLimits.events),
  })
  .meta({ id: 'EventBatch' })
export type EventBatch = z.input<typeof EventBatch>

/** How often flags gave variants, all by the same way and up to the same moment; `to` is in epoch milliseconds. */
export const UsageCounts = z.strictObject({
  /** Evaluations asked for by the flag's key, or answers for all flags that held it. */
  kind: z.enum(['evaluations', 'deliveries']),
  to: z.int(),
  /** A list each, of flag, variant (null: an error) and count: what waits in a queue is paid by its bytes. */
  given: z.array(z.tuple([FlagKey, VariantKey.nullable(), count])),
})
export type UsageCounts = z.infer<typeof UsageCounts>

/** What was tracked, all up to the same moment; `to` is in epoch milliseconds. */
export const MetricCounts = z.strictObject({
  kind: z.literal('metrics'),
  to: z.int(),
  /** A list each, of name, count and sum (null: no value was given). */
  given: z.array(z.tuple([MetricName, count, sum.nullable()])),
})
export type MetricCounts = z.infer<typeof MetricCounts>

/** One count of those. */
export interface UsageCount {
  readonly kind: UsageCounts['kind']
  readonly flag: string
  readonly variant: string | null
  readonly count: number
  readonly to: number
}

/** One count of a metric; `sum` is null where no value was given. */
export interface MetricCount {
  readonly kind: MetricCounts['kind']
  readonly name: string
  readonly count: number
  readonly sum: number | null
  readonly to: number
}

/** What one event of a batch adds. */
export type EventCount = UsageCount | MetricCount

/**
 * What the edge puts on the queue: a batch, or a part of one that would be too long for a message. Metrics are in
 * messages of their own: a control that does not know them yet takes the others.
 */
export const UsageMessage = z.strictObject({
  environment: z.string().regex(/^env_[0-9a-z]{26}$/),
  /** Of the batch and part: what comes again is counted once. */
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}\.\d{1,4}$/),
  /** Class client counts for flags that it may see. */
  source: z.enum(['edge', 'server', 'client']),
  counts: z.array(z.discriminatedUnion('kind', [UsageCounts, MetricCounts])),
})
export type UsageMessage = z.infer<typeof UsageMessage>

/** The counts of flags in a message one by one, in its order. */
export function listCounts({ counts }: Pick<UsageMessage, 'counts'>): UsageCount[] {
  return counts.flatMap((group) => {
    if (group.kind === 'metrics') return []
    const { kind, to, given } = group
    return given.map(([flag, variant, count]) => ({ kind, flag, variant, count, to }))
  })
}

/** Those of metrics. */
export function listMetrics({ counts }: Pick<UsageMessage, 'counts'>): MetricCount[] {
  return counts.flatMap((group) => {
    if (group.kind !== 'metrics') return []
    const { kind, to, given } = group
    return given.map(([name, count, sum]) => ({ kind, name, count, sum, to }))
  })
}
