/** What must hold at every step, and who breaks it. */
import type { Head } from '@halyard/shared/protocol/head.ts'
import {
  compareVersions,
  formatVersion,
  parseVersion,
  type Version,
} from '@halyard/shared/protocol/version.ts'
import { findMade, type Database } from './database.ts'
import { unseal } from './sealing.ts'

/** What somebody holds: a reader, or a relay as its sockets see it. */
export interface Held {
  readonly head: Head
  readonly body?: string
  /** The hash of the access record, where one is held. */
  readonly accessHash?: string
}

export interface Checks {
  /** What was found wrong, each once. */
  readonly faults: Set<string>
  /** Somebody holds this now. */
  readonly holds: (who: string, held: Held) => void
  /** Notes a version under that name; gives the one before if that was newer. */
  readonly newest: (name: string, at: Version) => Version | null
  /** The token of the highest version that somebody held. */
  readonly held: (who: string) => string | null
  readonly hubHead: () => Head | null
  /** The hub told a publisher that it holds this, or something newer. */
  readonly hubTook: (signedHead: string) => void
  /** The hub said at that moment what its head is. */
  readonly hubSaid: (signedHead: string, confirmedAt: number) => void
  /** Somebody passes on that this was head at that moment. */
  readonly claims: (who: string, head: Version, confirmedAt: number) => void
  /** Somebody says that what it holds was head within so many milliseconds. */
  readonly isLive: (who: string, head: Version, since: number) => void
  /** Pages are told of the head by this version: what they may see changed at it, and not since. */
  readonly isClientChange: (at: Version) => void
  readonly fault: (what: string) => void
}

interface Reign {
  readonly head: Head
  readonly from: number
}

export function makeChecks(database: Database, report: (fault: string) => void): Checks {
  const faults = new Set<string>()
  const highest = new Map<string, Version>()
  const reigns: Reign[] = []
  let taken: Version | null = null
  /** By moment: the versions that the hub named then. */
  const words = new Map<number, Set<string>>()
  const fault = (what: string) => {
    if (faults.has(what)) return
    faults.add(what)
    report(what)
  }
  const newest = (name: string, at: Version) => {
    const known = highest.get(name)
    if (!known || compareVersions(at, known) >= 0) {
      highest.set(name, at)
      return null
    }
    return known
  }
  return {
    faults,
    fault,
    holds: (who, held) => {
      const { head } = held
      const known = newest(who, head)
      if (known) fault(`${who} went down from ${formatVersion(known)} to ${formatVersion(head)}`)
      checkContent(database, who, held, fault)
    },
    newest,
    held: (who) => {
      const at = highest.get(who)
      return at ? formatVersion(at) : null
    },
    hubHead: () => reigns.at(-1)?.head ?? null,
    hubTook: (signedHead) => {
      const head = unseal(signedHead)
      if (head && (!taken || compareVersions(head, taken) > 0)) taken = head
    },
    hubSaid: (signedHead, confirmedAt) => {
      const head = unseal(signedHead)
      if (!head) return fault('the hub names a head that nobody signed')
      const named = words.get(confirmedAt) ?? new Set()
      words.set(confirmedAt, named.add(formatVersion(head)))
      const current = reigns.at(-1)?.head
      if (!current || compareVersions(head, current) > 0) {
        reigns.push({ head, from: confirmedAt })
        checkFreeze(database, head, fault)
      } else if (compareVersions(head, current) < 0)
        fault(`the hub went down from ${formatVersion(current)} to ${formatVersion(head)}`)
      if (taken && compareVersions(head, taken) < 0)
        fault(`the hub lost ${formatVersion(taken)}, which it had confirmed to a publisher`)
    },
    claims: (who, head, confirmedAt) => {
      if (!words.get(confirmedAt)?.has(formatVersion(head)))
        fault(`${who} says that the hub confirmed ${formatVersion(head)} at ${confirmedAt}: it never did`)
    },
    isClientChange: (at) => {
      const index = reigns.findIndex((reign) => compareVersions(reign.head, at) === 0)
      const [before, then, now] = [reigns[index - 1]?.head, reigns[index]?.head, reigns.at(-1)?.head]
      if (!then || !now) return
      const token = formatVersion(at)
      if (then.clientHash !== now.clientHash)
        fault(`pages are told ${token}, and what they may see changed since`)
      if (before?.version === at.version - 1 && before.clientHash === then.clientHash)
        fault(`pages are told ${token}, at which nothing changed that they may see`)
    },
    isLive: (who, head, since) => {
      const next = reigns.find((reign) => compareVersions(reign.head, head) > 0)
      if (next && next.from < since)
        fault(`${who} is live with ${formatVersion(head)}, which was not head since ${next.from}`)
    },
  }
}

/** What was committed after publishing was switched off waits until it is switched on. */
function checkFreeze({ commits, frozenSince }: Database, head: Head, fault: (what: string) => void): void {
  const committed = commits.findLast(({ state }) => compareVersions(state.at, head) === 0)
  if (frozenSince !== null && committed && committed.time > frozenSince)
    fault(`${formatVersion(head)} was published while publishing is frozen`)
}

/** The body and the access record are exactly those that were compiled of that version. */
function checkContent(
  database: Database,
  who: string,
  { head, body, accessHash }: Held,
  fault: (what: string) => void,
): void {
  const made = findMade(database, head, head.snapshotHash)
  if (!made) fault(`${who} holds ${formatVersion(head)}, which nobody compiled`)
  else if (body !== undefined && body !== made.body)
    fault(`${who} holds another body than was compiled of ${formatVersion(head)}`)
  else if (accessHash !== undefined && accessHash !== made.head.accessHash)
    fault(`${who} holds another access record than was compiled of ${formatVersion(head)}`)
}

/** The version that a token names; one that names none is a fault of who sent it. */
export function versionOf(token: string): Version {
  const version = parseVersion(token)
  if (!version) throw new Error(`${token} is no version`)
  return version
}
