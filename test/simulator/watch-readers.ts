/** Looks at what everybody holds, after each thing that happened. */
import { formatVersion, type Version } from '@halyard/shared/protocol/version.ts'
import type { EdgeIsolate } from './edge-isolate.ts'
import type { ServerReader } from './server-reader.ts'
import type { World } from './world.ts'

/** What one looks at first: it says whether there is anything new to look at. */
type Seen = Map<string, unknown>

/** A reader counts 30 s from when it hears: the word may have been under way for as long as calls take. */
const liveSlackMs = 30_000 + 25_000

export function makeWatch(world: World): () => void {
  const seen: Seen = new Map()
  return () => {
    for (const isolate of world.isolates) watchIsolate(world, isolate, seen)
    for (const reader of world.readers) watchReader(world, reader, seen)
  }
}

function watchIsolate({ checks }: World, { machine, view: viewOf }: EdgeIsolate, seen: Seen): void {
  const view = viewOf()
  const name = `${machine.name} life ${machine.life}`
  if (!view?.copy && seen.has(name)) checks.fault(`${name} lost what it held`)
  if (!view?.copy) return
  const { copy, access, confirmedAt } = view
  if (seen.get(name) !== copy) {
    seen.set(name, copy)
    checks.holds(name, { head: copy.head, body: copy.body })
  }
  if (access && seen.get(`${name} access`) !== access) {
    seen.set(`${name} access`, access)
    const { epoch, version } = access.at
    watchAccess(checks, name, { epoch, version })
  }
  if (confirmedAt !== -Infinity && seen.get(`${name} word`) !== confirmedAt) {
    seen.set(`${name} word`, confirmedAt)
    checks.claims(name, copy.head, confirmedAt)
  }
  if (view.refusedCount > 0) checks.fault(`${name} refused what was sound`)
}

const accessSuffix = ' access record'

/** The access record has a version of its own, which never goes down either. */
function watchAccess({ newest, fault }: World['checks'], name: string, at: Version): void {
  const before = newest(name + accessSuffix, at)
  if (before)
    fault(`${name} took an older access record, ${formatVersion(at)} after ${formatVersion(before)}`)
}

function watchReader(
  { checks, clock }: World,
  { machine, reader: readerOf }: ServerReader,
  seen: Seen,
): void {
  const name = `${machine.name} life ${machine.life}`
  const reader = readerOf()
  const copy = reader.snapshot()
  if (!copy && seen.has(name)) checks.fault(`${name} lost what it held`)
  if (copy && seen.get(name) !== copy) {
    seen.set(name, copy)
    checks.holds(name, copy)
  }
  const { phase, ageMs: age, refusedCount } = reader.status()
  if (copy && phase === 'live' && age !== null) checks.isLive(name, copy.head, clock.now() - liveSlackMs)
  if (refusedCount > 0) checks.fault(`${name} refused what was sound`)
}
