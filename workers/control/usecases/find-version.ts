/** Versions as requests name them, and what is said of those that cannot be rebuilt. */
import { formatVersion, parseVersion, type Version } from '@halyard/shared/protocol/version.ts'
import { ProblemError } from '../problem.ts'
import type { Missing } from '../publication/read-history.ts'
import type { EnvironmentRow } from './change.ts'

/** A number that the database's integers do not hold is a version that never was. */
export function wantedVersion(token: string): Version {
  const version = parseVersion(token)
  if (version && Math.max(version.epoch, version.version) < 2 ** 31) return version
  throw new ProblemError('version_not_found', { detail: `there never was a version ${token}` })
}

/** The problem of a version that cannot be rebuilt. */
export function missingProblem(missing: Missing, environment: EnvironmentRow, at: Version): ProblemError {
  const { key, historyEpoch, historyVersion } = environment
  if (missing === 'never') {
    const detail = `${key} never was at version ${formatVersion(at)}; it is at ${formatVersion(environment)}`
    return new ProblemError('version_not_found', { detail })
  }
  const oldest = formatVersion({ epoch: historyEpoch, version: historyVersion })
  return new ProblemError('version_not_kept', {
    detail: `${key} keeps its history from version ${oldest} on; ${formatVersion(at)} is older`,
  })
}
