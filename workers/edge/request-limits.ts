import { Refusal } from './refusal.ts'

/** What a request may hold; an answer that refuses more names the limit. */
export const requestLimits = {
  bodyBytes: 64 * 1024,
  contextBytes: 32 * 1024,
  contextDepth: 8,
  contextAttributes: 200,
  contextStringBytes: 2 * 1024,
  contextListItems: 100,
  flags: 1_000,
} as const

export function overLimit(
  code: 'INVALID_CONTEXT' | 'INVALID_REQUEST' | 'TOO_LARGE',
  name: keyof typeof requestLimits,
): Refusal {
  const max = requestLimits[name]
  return new Refusal(code, `over the limit: ${name} is at most ${max}`, { limit: { name, max } })
}
