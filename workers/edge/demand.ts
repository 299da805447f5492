/** What a reader may ask of the copy that it is answered from: a version at least, or an age at most. */
import {
  compareVersions,
  formatVersion,
  parseVersion,
  type Version,
} from '@halyard/shared/protocol/version.ts'
import { pursue } from './pursuit.ts'
import { Refusal } from './refusal.ts'
import { recentMs } from './view-pace.ts'
import type { View, ViewPorts } from './view-state.ts'

export interface Demand {
  readonly minVersion: Version | null
  /** The version that an event told of: waited for as long as a minimum, and then done without. */
  readonly toldVersion: Version | null
  readonly maxAgeMs: number | null
}

const deadlineMs = 1_500
/** A version that is further ahead of the one held is no write of a moment ago. */
const nearMax = 1_000
const eventMark = 'flagConfigEtag='
const eventForm = /[?&]flagConfigEtag=(\d{1,15}\.\d{1,15})(?:&|$)/

/**
 * `Halyard-Min-Version` (a token), `Halyard-Max-Age` (whole seconds) and OFREP's `flagConfigEtag`, with which a page
 * gives back the version that an event told it of. Null if nothing is asked.
 */
export function readDemand({ headers, url }: Request): Demand | null {
  const minVersion = headers.get('Halyard-Min-Version')
  const maxAge = headers.get('Halyard-Max-Age')
  const isAfterEvent = url.includes(eventMark)
  if (minVersion === null && maxAge === null && !isAfterEvent) return null
  const version = minVersion === null ? null : parseVersion(minVersion)
  if (minVersion !== null && !version)
    throw new Refusal('INVALID_REQUEST', 'Halyard-Min-Version is not epoch.version, such as 1.42')
  if (maxAge !== null && !/^\d{1,9}$/.test(maxAge))
    throw new Refusal(
      'INVALID_REQUEST',
      'Halyard-Max-Age is not a whole number of seconds from 0 to 999999999',
    )
  return {
    minVersion: version,
    toldVersion: isAfterEvent ? versionOfEvent(url) : null,
    maxAgeMs: maxAge === null ? null : Number(maxAge) * 1_000,
  }
}

/**
 * Sees to it that a copy satisfies a demand, asking the hub if it does not, or refuses. A newer copy than asked for is
 * always good: nobody may ask for an old one.
 */
export async function satisfy(view: View, demand: Demand, ports: ViewPorts): Promise<void> {
  const start = ports.now()
  const isMet = () => meets(view, demand, { start, now: ports.now() })
  const isAll = () => isMet() && reaches(view, demand.toldVersion)
  if (isAll()) return
  const isEager = isNear(view, demand.minVersion) || isNear(view, demand.toldVersion)
  await pursue(view, isAll, { isEager, untilMs: start + deadlineMs }, ports)
  // A page that is refused keeps what it has, which may be older than what is held here.
  if (isMet()) return
  throw new Refusal('VERSION_UNAVAILABLE', whatIsMissing(view, demand), { headers: { 'Retry-After': '1' } })
}

/** What was confirmed a moment before it was asked for is as good as confirmed now. */
function meets(
  view: View,
  { minVersion, maxAgeMs }: Demand,
  { start, now }: { start: number; now: number },
): boolean {
  if (!view.copy || !reaches(view, minVersion)) return false
  return maxAgeMs === null || view.answeredAt >= start - recentMs || now - view.confirmedAt <= maxAgeMs
}

function reaches({ copy }: View, version: Version | null): boolean {
  return version === null || (copy !== null && compareVersions(copy.head, version) >= 0)
}

/** Whether a version may come any moment: a write is answered before it is published. */
function isNear({ copy }: View, version: Version | null): boolean {
  if (!copy || !version || version.epoch !== copy.head.epoch) return false
  const ahead = version.version - copy.head.version
  return ahead > 0 && ahead <= nearMax
}

function whatIsMissing(view: View, { minVersion }: Demand): string {
  if (minVersion && !reaches(view, minVersion))
    return `this location does not hold version ${formatVersion(minVersion)} yet`
  return 'what this location holds is older than Halyard-Max-Age allows, and cannot be confirmed just now'
}

/** What is no token of ours came from somebody else's event, and asks for nothing. */
function versionOfEvent(url: string): Version | null {
  const token = eventForm.exec(url)?.[1]
  return token === undefined ? null : parseVersion(token)
}
