/** `Retry-After` (RFC 9110, 10.2.3) as milliseconds from `nowMs`: seconds, or a date; null if there is none to be read. */
export function readRetryAfter(text: string | null | undefined, nowMs: number): number | null {
  if (text === null || text === undefined) return null
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs)
}
