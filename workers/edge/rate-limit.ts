/** Whether a location's count lets one more of that name through; it is missing where the platform has no such binding. */
export async function isWithin(limit: RateLimit | undefined, name: string): Promise<boolean> {
  if (!limit) return true
  try {
    return (await limit.limit({ key: name })).success
  } catch {
    return true // a shield that fails must not keep anybody out
  }
}
