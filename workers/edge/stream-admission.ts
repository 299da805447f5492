/**
 * The first gate before streams: after a restart thousands of readers come back at once, and the relay must not be
 * woken by all of them in one moment. Those that come a little too fast wait for their turn; those that would wait too
 * long are sent away. Nothing but streams passes here.
 */
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { setBounded } from './bounded-cache.ts'
import { isWithin } from './rate-limit.ts'
import { comeBackLater, type Refusal } from './refusal.ts'
import type { ViewPorts } from './view-state.ts'

export interface Admission {
  /** Lets a reader of a group in when its turn has come, or throws a refusal. */
  readonly enter: (group: string, ports: Pick<ViewPorts, 'now' | 'sleep'>) => Promise<void>
  /** The refusal of a reader for whom there is no room; it is remembered for a while. */
  readonly refuse: (group: string, now: number, retryAfterSec: number) => Refusal
  /** Whether streams were refused a moment ago: then none should be offered. */
  readonly isClosed: (group: string, now: number) => boolean
}

interface Turns {
  /** When the next reader has its turn, epoch milliseconds. */
  nextAt: number
  refusedAt: number
}

/** Each class of an environment has its own turns: client keys are public, and must not keep servers out. */
export function groupOf(environment: string, keyClass: AccessKey['class']): string {
  return `${environment}/${keyClass}`
}

export const opensPerSec = 600
export const opensBurst = 600
/** A reader waits no longer than this for its turn: its own patience ends some time. */
export const turnWaitMaxMs = 8_000
/** For so long after a refusal no stream is offered. */
export const closedMs = 5_000
/** Those who are sent away together come back over so many seconds. */
export const retrySpreadSec = 10

const groupsMax = 10_000
const intervalMs = 1_000 / opensPerSec

/** `limit` counts opens of all isolates of a location; it is missing where the platform has no such binding. */
export function makeAdmission(limit: RateLimit | undefined, random: () => number = Math.random): Admission {
  const turnsCache = new Map<string, Turns>()
  const turnsOf = (group: string): Turns => {
    const turns = turnsCache.get(group) ?? { nextAt: -Infinity, refusedAt: -Infinity }
    setBounded(turnsCache, group, turns, groupsMax)
    return turns
  }
  const refuse = (group: string, now: number, retryAfterSec: number) => {
    turnsOf(group).refusedAt = now
    return comeBackLater('too many streams are being opened just now', {
      atLeast: retryAfterSec,
      spread: retrySpreadSec,
      random,
    })
  }
  return {
    enter: async (group, ports) => {
      const now = ports.now()
      const waitMs = takeTurn(turnsOf(group), now)
      if (waitMs > turnWaitMaxMs) throw refuse(group, now, waitMs / 1_000)
      if (!(await isWithin(limit, group))) throw refuse(group, now, 1)
      if (waitMs > 0) await ports.sleep(waitMs)
    },
    refuse,
    isClosed: (group, now) => now - (turnsCache.get(group)?.refusedAt ?? -Infinity) < closedMs,
  }
}

/** How long until it is this reader's turn; one that would wait too long takes none. */
function takeTurn(turns: Turns, now: number): number {
  const at = Math.max(turns.nextAt, now - opensBurst * intervalMs)
  const waitMs = Math.max(0, at - now)
  if (waitMs <= turnWaitMaxMs) turns.nextAt = at + intervalMs
  return waitMs
}
