/** What is put on the queue. */
import type { UsageCount, UsageMessage } from '@halyard/shared/contract/usage.ts'
import { eventLimits } from '@halyard/shared/protocol/event-limits.ts'

/** A count without its texts, and at most so many bytes for each unit of a variant's key: as an escape. */
const countBytes = 120
const bytesPerUnit = 6

/** The messages of a batch, each with a part of the counts that fits. The same batch is always parted the same way. */
export function toMessages(
  { environment, id, source }: Omit<UsageMessage, 'counts'>,
  counts: readonly UsageCount[],
): UsageMessage[] {
  const parts: UsageCount[][] = []
  let part: UsageCount[] = []
  let left = 0
  for (const count of counts) {
    const bytes = countBytes + count.flag.length + bytesPerUnit * (count.variant?.length ?? 0)
    if (bytes > left) {
      parts.push((part = []))
      left = eventLimits.messageBytes
    }
    part.push(count)
    left -= bytes
  }
  return parts.map((counts, index) => ({ environment, id: `${id}.${index}`, source, counts }))
}
