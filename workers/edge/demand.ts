/** What a reader may ask of the copy that it is answered from: a version at least, or an age at most. */
import { compareVersions, parseVersion } from '@halyard/shared/protocol/version.ts'
import { Refusal } from './refusal.ts'
import { ageMs, recheck } from './view.ts'
import type { View, ViewPorts } from './view-state.ts'

/**
 * How long to wait after each time the hub was asked: a write is answered before it is published, which takes longer
 * the larger the snapshot is. Not oftener than `checksPerSecond` lets through.
 */
const pausesMs = [40, 160, 250, 300, 350, 400]

/**
 * Sees to it that a copy satisfies `Halyard-Min-Version` (a token) and `Halyard-Max-Age` (seconds), asking the hub if it
 * does not, or refuses. A newer copy than asked for is always good: nobody may ask for an old one.
 */
export async function satisfy(view: View, headers: Headers, ports: ViewPorts): Promise<void> {
  const isMet = readDemand(view, headers, ports)
  if (!isMet || isMet()) return
  /* oxlint-disable no-await-in-loop -- each round may be enough */
  for (const pauseMs of pausesMs) {
    await recheck(view, ports)
    if (isMet()) return
    await ports.sleep(pauseMs)
  }
  /* oxlint-enable no-await-in-loop */
  throw new Refusal('VERSION_UNAVAILABLE', 'this location does not hold what was asked for yet', {
    headers: { 'Retry-After': '1' },
  })
}

function readDemand(view: View, headers: Headers, ports: ViewPorts): (() => boolean) | null {
  const minVersion = headers.get('Halyard-Min-Version')
  const maxAge = headers.get('Halyard-Max-Age')
  if (minVersion === null && maxAge === null) return null
  const version = minVersion === null ? null : parseVersion(minVersion)
  if (minVersion !== null && !version)
    throw new Refusal('INVALID_REQUEST', 'Halyard-Min-Version is not epoch.version, such as 1.42')
  if (maxAge !== null && !/^\d{1,9}$/.test(maxAge))
    throw new Refusal('INVALID_REQUEST', 'Halyard-Max-Age is not a whole number of seconds')
  const start = ports.now()
  return () =>
    view.copy !== null &&
    (version === null || compareVersions(view.copy.head, version) >= 0) &&
    (maxAge === null || view.answeredAt >= start || ageMs(view, ports.now()) <= Number(maxAge) * 1_000)
}
