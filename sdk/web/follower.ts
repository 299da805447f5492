/** Keeps the answers as new as the edge's: asks once, then when the stream says so, and without a stream once a minute. */
import type { FlagOrigin } from '../client/flag-client.ts'
import { askEdge, type Answer, type Failure } from './ask-edge.ts'
import { openNotices, type Notices } from './notices.ts'
import type { Edge } from './post.ts'
import type { Copy } from './stored-copies.ts'
import type { Subject } from './subject.ts'
import { isOlder } from './version-order.ts'
import type { Answers } from './web-client.ts'

export interface Held extends Copy {
  readonly answers: Answers
  readonly origin: FlagOrigin
}

export interface Follower {
  readonly to: Edge
  /** Puts an answer in the place of what is held; null: it still holds, and has the version now. */
  readonly take: (copy: Omit<Held, 'origin'> | null, version: string | null) => void
  /** The state may have changed. */
  readonly moved: () => void
  subject: Subject
  /** For the subject; null: nothing yet. */
  held: Held | null
  isRunning: boolean
  /** The key is not taken: there is nothing left to ask. */
  isRefused?: true
  error?: string | undefined
  /** When what is held was last the newest. */
  confirmedAt: number | null
  /** Nothing older is taken. What it was told by a bootstrap or a storage it forgets if the edge knows no such version. */
  floor: string | null
  isFloorSure: boolean
  failures: number
  streamEnds: number
  flight?: AbortController | undefined
  notices?: Notices | undefined
  timer?: (() => void) | undefined
  /** By `ticks`, as all moments here. */
  dueAt: number
  askedAt: number
  /** When it is time to ask again, beside a stream. */
  slowDueAt: number
  /** Before that the edge does not want to be asked. */
  notBefore: number
  idleTimer?: () => void
  /** The question that is on its way, or was the last. */
  asking?: Promise<void>
}

const pollMs = 60_000
/** Beside a stream: what changes by the clock alone is announced by nobody. */
const slowPollMs = 300_000
const backOffMaxMs = 60_000
/** However often tabs are switched. */
const wakeMinMs = 5_000
/** Those who hear of a change do not all ask in one moment. */
const noticeSpreadMs = 500
const idleMaxMs = 120_000

export function makeFollower(given: Pick<Follower, 'to' | 'take' | 'moved' | 'subject' | 'held'>): Follower {
  return {
    ...given,
    isRunning: false,
    confirmedAt: null,
    floor: null,
    isFloorSure: false,
    failures: 0,
    streamEnds: 0,
    dueAt: Infinity,
    askedAt: -Infinity,
    slowDueAt: -Infinity,
    notBefore: -Infinity,
  }
}

/** Asks now for the context there is, in the place of what was asked before. */
export function askNow(follower: Follower): void {
  follower.confirmedAt = null
  follower.flight?.abort()
  follower.flight = undefined
  ask(follower)
}

/** Resolves when what is being asked was tried, and what took its place meanwhile. */
export async function whenAsked(follower: Follower): Promise<void> {
  for (let asking; asking !== follower.asking;) await (asking = follower.asking) // oxlint-disable-line no-await-in-loop -- one after the other
}

/** Starts, or goes on after `halt`. */
export function resume(follower: Follower): void {
  if (follower.isRunning) return
  follower.isRunning = true
  ask(follower)
}

/** The page is looked at again, or the network is back. */
export function wake(follower: Follower): void {
  if (follower.to.ports.isHidden()) return
  follower.idleTimer?.()
  follower.failures = 0
  const isUpToDate = follower.notices?.isLive() && !isBehind(follower)
  scheduleAt(follower, isUpToDate ? follower.slowDueAt : follower.askedAt + wakeMinMs)
}

/** The page is out of sight: it asks for nothing that nobody sees, and after a while gives its stream back. */
export function rest(follower: Follower): void {
  if (follower.held) clearTimer(follower)
  follower.idleTimer?.()
  follower.idleTimer = follower.to.ports.after(idleMaxMs, () => closeNotices(follower))
}

/** Lets go of connections and timers; `resume` comes back. */
export function halt(follower: Follower): void {
  follower.isRunning = false
  clearTimer(follower)
  follower.idleTimer?.()
  follower.flight?.abort()
  follower.flight = undefined
  closeNotices(follower)
}

function ask(follower: Follower): void {
  if (follower.flight || !follower.isRunning || follower.isRefused || !follower.subject.context) return
  if (follower.to.ports.ticks() < follower.notBefore) return schedule(follower, 0)
  follower.asking = fly(follower)
}

async function fly(follower: Follower): Promise<void> {
  const { to, subject, held, floor } = follower
  const flight = new AbortController()
  follower.flight = flight
  follower.askedAt = to.ports.ticks()
  const question = { context: subject.context, etag: held?.etag ?? null, atLeast: floor }
  const outcome = await askEdge(to, question, flight)
  // Another question took its place: this answer is nobody's.
  if (follower.flight !== flight) return
  follower.flight = undefined
  clearTimer(follower)
  try {
    settle(follower, outcome, floor)
    follower.moved()
  } catch (cause) {
    follower.error = String(cause)
    retry(follower, 0)
  }
}

/** `asked` is the floor that the edge was told. */
function settle(follower: Follower, outcome: Answer | Failure, asked: string | null): void {
  if (outcome.error === undefined) {
    const version = outcome.version ?? asked
    // While it was on its way, there was word of something newer.
    if (isOlder(version, follower.floor)) return retry(follower, 0)
    return accept(follower, outcome, version)
  }
  follower.error = outcome.error
  if (outcome.isRefused) {
    follower.isRefused = true
    follower.to.logger?.error(`halyard: ${outcome.error}`)
    return closeNotices(follower)
  }
  if (outcome.isBehind && !follower.isFloorSure) follower.floor = null
  retry(follower, outcome.retryAfterMs)
}

function accept(follower: Follower, { copy, ageMs }: Answer, version: string | null): void {
  follower.error = undefined
  follower.failures = 0
  follower.floor = version
  follower.isFloorSure = true
  follower.confirmedAt = follower.to.ports.ticks() - ageMs
  follower.take(copy, version)
  listen(follower)
  const spread = 0.9 + 0.2 * follower.to.ports.random()
  follower.slowDueAt = follower.askedAt + slowPollMs * spread
  schedule(follower, (follower.notices?.isLive() ? slowPollMs : pollMs) * spread)
}

function listen(follower: Follower): void {
  const { to } = follower
  const credential = follower.held?.credential
  if (follower.notices || !credential || to.ports.isHidden()) return
  follower.notices = openNotices(to, credential, {
    heard: (version) => hear(follower, version),
    // All streams of a hub break in one moment.
    broke: () => {
      schedule(follower, pollMs * (0.5 + to.ports.random()))
      follower.moved()
    },
    ended: () => {
      follower.notices = undefined
      // Where there are no streams for good, that comes to no more than polling.
      schedule(follower, backOffMs(follower, follower.streamEnds++, slowPollMs))
      follower.moved()
    },
  })
}

function hear(follower: Follower, version: string): void {
  const { to } = follower
  follower.streamEnds = 0
  if (isOlder(follower.held?.version ?? null, version)) {
    if (isOlder(follower.floor, version)) follower.floor = version
    follower.isFloorSure = true
    schedule(follower, to.ports.random() * noticeSpreadMs)
  } else if (!isBehind(follower)) {
    follower.confirmedAt = to.ports.ticks()
    // It is back: what was to be asked without it can wait.
    if (!follower.failures) {
      clearTimer(follower)
      scheduleAt(follower, follower.slowDueAt)
    }
  }
  follower.moved()
}

/** What is held is not that of the context, or there was word of something newer. */
function isBehind({ held, floor, confirmedAt }: Follower): boolean {
  return confirmedAt === null || isOlder(held?.version ?? null, floor)
}

function retry(follower: Follower, retryAfterMs: number): void {
  follower.notBefore = follower.to.ports.ticks() + retryAfterMs
  schedule(follower, retryAfterMs + backOffMs(follower, follower.failures++))
}

/** Full jitter, from a second doubling to a minute. */
function backOffMs({ to }: Follower, tries: number, maxMs = backOffMaxMs): number {
  return to.ports.random() * Math.min(maxMs, 1_000 * 2 ** tries)
}

function scheduleAt(follower: Follower, at: number): void {
  schedule(follower, at - follower.to.ports.ticks())
}

/** Asks after so long, or sooner if that was meant already. */
function schedule(follower: Follower, waitMs: number): void {
  const { ports } = follower.to
  const ms = Math.max(waitMs, follower.notBefore - ports.ticks())
  const at = ports.ticks() + ms
  if (!follower.isRunning || follower.isRefused || at >= follower.dueAt) return
  if (ports.isHidden() && follower.held) return
  clearTimer(follower)
  follower.dueAt = at
  follower.timer = ports.after(ms, () => {
    clearTimer(follower)
    ask(follower)
  })
}

function clearTimer(follower: Follower): void {
  follower.timer?.()
  follower.timer = undefined
  follower.dueAt = Infinity
}

function closeNotices(follower: Follower): void {
  follower.notices?.close()
  follower.notices = undefined
  follower.moved()
}
