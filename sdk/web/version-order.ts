/** Whether a version token is older than another, which may be unknown. Source: shared/protocol/version.ts. */
export function isOlder(token: string | null, than: string | null): boolean {
  if (than === null) return false
  const [epoch = -1, version = -1] = (token ?? '').split('.').map(Number)
  const [thanEpoch = -1, thanVersion = -1] = than.split('.').map(Number)
  return epoch < thanEpoch || (epoch === thanEpoch && version < thanVersion)
}
