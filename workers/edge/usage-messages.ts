/** What is put on the queue. */
import type { EventCount, UsageMessage } from '@halyard/shared/contract/usage.ts'
import { eventLimits } from '@halyard/shared/protocol/event-limits.ts'

type Group = UsageMessage['counts'][number]

/** A count, the sum of a metric, and what holds the counts of one kind and moment, without their texts. */
const countBytes = 24
const sumBytes = 24
const groupBytes = 64
/** What JSON writes as it stands; of other texts a unit is at most an escape. */
const plain = /^[ !#-[\]-~]*$/
const bytesPerUnit = 6

/** The messages of a batch, each with a part of the counts that fits. The same batch is always parted the same way. */
export function toMessages(
  { environment, id, source }: Omit<UsageMessage, 'counts'>,
  counts: readonly EventCount[],
): UsageMessage[] {
  // Apart: a control that does not know metrics yet counts the rest.
  const ofFlags = counts.filter(({ kind }) => kind !== 'metrics')
  const ofMetrics = counts.filter(({ kind }) => kind === 'metrics')
  return [...partsOf(ofFlags), ...partsOf(ofMetrics)].map((part, index) => ({
    environment,
    id: `${id}.${index}`,
    source,
    counts: part,
  }))
}

/** How many counts a message holds. */
export function sizeOf({ counts }: UsageMessage): number {
  return counts.reduce((sum, { given }) => sum + given.length, 0)
}

function partsOf(counts: readonly EventCount[]): Group[][] {
  const parts: Map<string, Group>[] = []
  let part = new Map<string, Group>()
  let left = 0
  for (const count of counts) {
    const name = `${count.kind} ${count.to}`
    const bytes = bytesOf(count)
    if (bytes + groupBytes > left) {
      parts.push((part = new Map()))
      left = eventLimits.messageBytes
    }
    const group = part.get(name)
    left -= group ? bytes : bytes + groupBytes
    part.set(name, addTo(group, count))
  }
  return parts.map((groups) => [...groups.values()])
}

/** The group, or a new one, with one count more. A group holds counts of its own kind. */
function addTo(group: Group | undefined, count: EventCount): Group {
  if (count.kind === 'metrics') {
    const metrics = group?.kind === 'metrics' ? group : { kind: count.kind, to: count.to, given: [] }
    metrics.given.push([count.name, count.count, count.sum])
    return metrics
  }
  const flags = group && group.kind !== 'metrics' ? group : { kind: count.kind, to: count.to, given: [] }
  flags.given.push([count.flag, count.variant, count.count])
  return flags
}

function bytesOf(count: EventCount): number {
  if (count.kind === 'metrics') return countBytes + sumBytes + count.name.length
  const text = count.variant ?? ''
  return countBytes + count.flag.length + (plain.test(text) ? text.length : bytesPerUnit * text.length)
}
