/** What was evaluated and tracked, summed up until it is sent: see `EvaluationSummary` and `MetricSummary` of the contract. */
import type { EventBatch } from '@halyard/shared/contract/usage.ts'

export type UsageEvent = EventBatch['events'][number]

export interface EventCounts {
  /** `variant` is null for an error. */
  readonly countFlag: (flag: string, variant: string | null, times: number) => void
  readonly countMetric: (name: string, value?: number) => void
  /** Everything since the last time, up to `now` (epoch milliseconds). */
  readonly take: (now: number) => readonly UsageEvent[]
}

interface Evaluations {
  readonly kind: 'evaluations'
  readonly flag: string
  readonly variant: string | null
  count: number
}

interface Metric {
  readonly kind: 'metric'
  readonly name: string
  count: number
  sum?: number
}

type Count = Evaluations | Metric

const metricName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/
/** More different ones are not counted. */
const differentMax = 20_000
const countMax = 1_000_000_000
const sumMax = 1e15
/** A window may reach back for a day: some of it is left for a batch that has to wait. */
const windowMaxMs = 12 * 3_600_000

/** `report` hears once of each kind of thing that is not counted. */
export function makeEventCounts(now: number, report: (what: string) => void): EventCounts {
  let counts = new Map<string, Count>()
  let from = now
  const reported = new Set<string>()
  const drop = (kind: string, what: string) => {
    if (!reported.has(kind)) report(what)
    reported.add(kind)
  }
  const at = <C extends Count>(name: string, zero: C): C | null => {
    const known = counts.get(name) as C | undefined // a name begins with its kind
    if (known) return known
    if (counts.size >= differentMax) {
      drop('full', `more than ${differentMax} different counts wait to be sent: further ones are dropped`)
      return null
    }
    counts.set(name, zero)
    return zero
  }
  return {
    countFlag: (flag, variant, times) => {
      const count = at(JSON.stringify(['flag', flag, variant]), {
        kind: 'evaluations',
        flag,
        variant,
        count: 0,
      })
      if (count) count.count = Math.min(countMax, count.count + times)
    },
    countMetric: (name, value) => {
      const fault = metricFault(name, value)
      if (fault !== null) return drop('metric', fault)
      const count: Metric | null = at(JSON.stringify(['metric', name]), { kind: 'metric', name, count: 0 })
      if (!count) return
      count.count = Math.min(countMax, count.count + 1)
      if (value !== undefined) count.sum = Math.max(-sumMax, Math.min(sumMax, (count.sum ?? 0) + value))
    },
    take: (to) => {
      const window = { from: Math.min(to, Math.max(from, to - windowMaxMs)), to } // a clock may be set back
      const taken = [...counts.values()].map((count): UsageEvent => ({ ...count, ...window }))
      counts = new Map()
      from = to
      return taken
    },
  }
}

function metricFault(name: unknown, value: unknown): string | null {
  if (typeof name !== 'string' || !metricName.test(name))
    return `track: ${typeof name === 'string' ? `"${name.slice(0, 100)}"` : `a name that is no text (${typeof name})`} is dropped: a name has 1 to 100 of A-Z a-z 0-9 . _ - and begins with a letter or digit`
  if (value !== undefined && !Number.isFinite(value))
    return `track: "${name}" is dropped: its value must be a finite number, not ${String(value)}`
  return null
}
