/** A position in an environment's history. `epoch` rises when a database is restored; pairs compare in that order. */
export interface Version {
  readonly epoch: number
  readonly version: number
}

/** The token of a version on a wire: `epoch.version`. */
export function formatVersion(at: Version): string {
  return `${at.epoch}.${at.version}`
}

/** Reads a token; `null` if it is not two non-negative safe integers, as numbers are written, joined by a dot. */
export function parseVersion(token: string): Version | null {
  const match = /^(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})$/.exec(token)
  return match ? { epoch: Number(match[1]), version: Number(match[2]) } : null
}

/** Below zero if `a` is older than `b`, zero if equal, above zero if newer. */
export function compareVersions(a: Version, b: Version): number {
  return a.epoch - b.epoch || a.version - b.version
}
