/** What a reader may ask of the copy that it is answered from: a version at least, or an age at most. */
import {
  compareVersions,
  formatVersion,
  parseVersion,
  type Version,
} from '@halyard/shared/protocol/version.ts'
import { Refusal } from './refusal.ts'
import { recentMs, recheck } from './view.ts'
import type { View, ViewPorts } from './view-state.ts'

export interface Demand {
  readonly minVersion: Version | null
  readonly maxAgeMs: number | null
}

/**
 * How long to wait after each time the hub was asked: a write is answered before it is published, which takes longer
 * the larger the snapshot is. Not oftener than `checksPerSecond` lets through.
 */
const pausesMs = [40, 160, 250, 300, 350, 400]
const eventMark = 'flagConfigEtag='
const eventForm = /[?&]flagConfigEtag=(\d{1,15}\.\d{1,15})(?:&|$)/

/**
 * `Halyard-Min-Version` (a token), `Halyard-Max-Age` (whole seconds) and OFREP's `flagConfigEtag`, with which a page
 * gives back the version that an event told it of: a minimum too. Null if nothing is asked.
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
    throw new Refusal('INVALID_REQUEST', 'Halyard-Max-Age is not a whole number of seconds')
  return {
    minVersion: laterOf(version, isAfterEvent ? versionOfEvent(url) : null),
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
  if (isMet()) return
  /* oxlint-disable no-await-in-loop -- each round may be enough */
  for (const pauseMs of pausesMs) {
    await recheck(view, ports)
    if (isMet()) return
    await ports.sleep(pauseMs)
    if (isMet()) return // another request may have had it
  }
  /* oxlint-enable no-await-in-loop */
  throw new Refusal('VERSION_UNAVAILABLE', whatIsMissing(view, demand), { headers: { 'Retry-After': '1' } })
}

/** What was confirmed a moment before it was asked for is as good as confirmed now. */
function meets(
  { copy, answeredAt, confirmedAt }: View,
  { minVersion, maxAgeMs }: Demand,
  { start, now }: { start: number; now: number },
): boolean {
  if (!copy || (minVersion && compareVersions(copy.head, minVersion) < 0)) return false
  return maxAgeMs === null || answeredAt >= start - recentMs || now - confirmedAt <= maxAgeMs
}

function whatIsMissing(view: View, { minVersion }: Demand): string {
  const isBehind = minVersion && (!view.copy || compareVersions(view.copy.head, minVersion) < 0)
  if (isBehind) return `this location does not hold version ${formatVersion(minVersion)} yet`
  return 'what this location holds is older than Halyard-Max-Age allows, and cannot be confirmed just now'
}

/** What is no token of ours came from somebody else's event, and asks for nothing. */
function versionOfEvent(url: string): Version | null {
  const token = eventForm.exec(url)?.[1]
  return token === undefined ? null : parseVersion(token)
}

function laterOf(a: Version | null, b: Version | null): Version | null {
  if (!a || !b) return a ?? b
  return compareVersions(a, b) >= 0 ? a : b
}
