/** A version token, or null for whatever is none: an edge refuses questions for it. Source: shared/protocol/version.ts. */
export function readToken(given: unknown): string | null {
  return /^\d+\.\d+$/.exec(String(given))?.[0] ?? null
}

/** Whether a version token is older than another. One that is not known is older than all. */
export function isOlder(token: string | null, than: string | null): boolean {
  return placeOf(token) < placeOf(than)
}

function placeOf(token: string | null): number {
  return token ? token.split('.').reduce((place, part) => place * 2 ** 32 + +part, 0) : -1
}
