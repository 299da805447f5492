/** What was thrown, in words. Never throws, though anything can be thrown. */
export function describeCause(cause: unknown): string {
  try {
    return String(cause)
  } catch {
    return 'something that cannot be told'
  }
}
