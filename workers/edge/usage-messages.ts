/** What is put on the queue. */
import type { UsageCount, UsageCounts, UsageMessage } from '@halyard/shared/contract/usage.ts'
import { eventLimits } from '@halyard/shared/protocol/event-limits.ts'

/** A count, and what holds the counts of one kind and moment, without their texts. */
const countBytes = 24
const groupBytes = 64
/** What JSON writes as it stands; of other texts a unit is at most an escape. */
const plain = /^[ !#-[\]-~]*$/
const bytesPerUnit = 6

/** The messages of a batch, each with a part of the counts that fits. The same batch is always parted the same way. */
export function toMessages(
  { environment, id, source }: Omit<UsageMessage, 'counts'>,
  counts: readonly UsageCount[],
): UsageMessage[] {
  const parts: Map<string, UsageCounts>[] = []
  let part = new Map<string, UsageCounts>()
  let left = 0
  for (const count of counts) {
    const name = `${count.kind} ${count.to}`
    const bytes = bytesOf(count)
    if (bytes + groupBytes > left) {
      parts.push((part = new Map()))
      left = eventLimits.messageBytes
    }
    const group = part.get(name)
    const given: UsageCounts['given'][number] = [count.flag, count.variant, count.count]
    if (group) group.given.push(given)
    else part.set(name, { kind: count.kind, to: count.to, given: [given] })
    left -= group ? bytes : bytes + groupBytes
  }
  return parts.map((groups, index) => ({
    environment,
    id: `${id}.${index}`,
    source,
    counts: [...groups.values()],
  }))
}

/** How many counts a message holds. */
export function sizeOf({ counts }: UsageMessage): number {
  return counts.reduce((sum, { given }) => sum + given.length, 0)
}

function bytesOf({ flag, variant }: UsageCount): number {
  const text = variant ?? ''
  return countBytes + flag.length + (plain.test(text) ? text.length : bytesPerUnit * text.length)
}
