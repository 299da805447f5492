import { contextLimits } from '@halyard/shared/protocol/context-limits.ts'
import { eventLimits } from '@halyard/shared/protocol/event-limits.ts'
import { Refusal } from './refusal.ts'

/** What a request may hold; an answer that refuses more names the limit. */
export const requestLimits = {
  ...contextLimits,
  bodyBytes: 64 * 1024,
  flags: 1_000,
  eventsBytes: eventLimits.bodyBytes,
} as const

export function overLimit(
  code: 'INVALID_CONTEXT' | 'INVALID_REQUEST' | 'TOO_LARGE',
  name: keyof typeof requestLimits,
): Refusal {
  const max = requestLimits[name]
  return new Refusal(code, `over the limit: ${name} is at most ${max}`, { limit: { name, max } })
}
