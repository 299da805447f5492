/**
 * The first gate before streams: after a restart thousands of readers come back at once, and the relay must not be
 * woken by all of them in one moment. Those that come a little too fast wait for their turn; those that would wait too
 * long are sent away. Nothing but streams passes here.
 */
import { setBounded } from './bounded-cache.ts'
import { Refusal } from './refusal.ts'
import type { ViewPorts } from './view-state.ts'

export interface Admission {
  /** Lets a reader of an environment in when its turn has come, or throws a refusal. */
  readonly enter: (environment: string, ports: Pick<ViewPorts, 'now' | 'sleep'>) => Promise<void>
  /** The refusal of a reader for whom there is no room; it is remembered for a while. */
  readonly refuse: (environment: string, now: number, retryAfterSec: number) => Refusal
  /** Whether streams were refused a moment ago: then none should be offered. */
  readonly isClosed: (environment: string, now: number) => boolean
}

interface Turns {
  /** When the next reader has its turn, epoch milliseconds. */
  nextAt: number
  refusedAt: number
}

export const opensPerSec = 600
export const opensBurst = 600
/** A reader waits no longer than this for its turn: its own patience ends some time. */
export const turnWaitMaxMs = 8_000
/** For so long after a refusal no stream is offered. */
export const closedMs = 5_000
/** Those who are sent away together come back over so many seconds. */
export const retrySpreadSec = 10

const environmentsMax = 10_000
const intervalMs = 1_000 / opensPerSec

/** `limit` counts opens of all isolates of a location; it is missing where the platform has no such binding. */
export function makeAdmission(limit: RateLimit | undefined, random: () => number = Math.random): Admission {
  const turnsCache = new Map<string, Turns>()
  const turnsOf = (environment: string): Turns => {
    const turns = turnsCache.get(environment) ?? { nextAt: -Infinity, refusedAt: -Infinity }
    setBounded(turnsCache, environment, turns, environmentsMax)
    return turns
  }
  const refuse = (environment: string, now: number, retryAfterSec: number) => {
    turnsOf(environment).refusedAt = now
    return comeBackLater('too many streams are being opened just now', retryAfterSec, random)
  }
  return {
    enter: async (environment, ports) => {
      const now = ports.now()
      const waitMs = takeTurn(turnsOf(environment), now)
      if (waitMs > turnWaitMaxMs) throw refuse(environment, now, waitMs / 1_000)
      if (!(await isWithin(limit, environment))) throw refuse(environment, now, 1)
      if (waitMs > 0) await ports.sleep(waitMs)
    },
    refuse,
    isClosed: (environment, now) => now - (turnsCache.get(environment)?.refusedAt ?? -Infinity) < closedMs,
  }
}

/** The refusal of a stream that cannot be opened now: for so many seconds at least, and not of all for as many. */
export function comeBackLater(
  why: string,
  retryAfterSec: number,
  random: () => number = Math.random,
): Refusal {
  const seconds = Math.ceil(retryAfterSec) + Math.floor(random() * retrySpreadSec)
  return new Refusal('UNAVAILABLE', why, { headers: { 'Retry-After': String(seconds) } })
}

/** How long until it is this reader's turn; one that would wait too long takes none. */
function takeTurn(turns: Turns, now: number): number {
  const at = Math.max(turns.nextAt, now - opensBurst * intervalMs)
  const waitMs = Math.max(0, at - now)
  if (waitMs <= turnWaitMaxMs) turns.nextAt = at + intervalMs
  return waitMs
}

async function isWithin(limit: RateLimit | undefined, key: string): Promise<boolean> {
  if (!limit) return true
  try {
    return (await limit.limit({ key })).success
  } catch {
    return true // a shield that fails must not keep anybody out
  }
}
