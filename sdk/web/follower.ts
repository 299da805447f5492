/** Keeps the answers as new as the edge's: asks once, then when the stream says so, and without a stream once a minute. */
import type { FlagOrigin } from '../client/flag-client.ts'
import { askEdge, type Outcome } from './ask-edge.ts'
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
  isRefused: true | undefined
  error: string | undefined
  /** When what is held was last the newest. */
  confirmedAt: number | null
  /** Nothing older is taken. What it was told by a bootstrap or a storage it forgets if the edge knows no such version. */
  floor: string | null
  isFloorSure: boolean
  failures: number
  streamEnds: number
  flight: AbortController | undefined
  notices: Notices | undefined
  timer: (() => void) | undefined
  /** By `ticks`, as all moments here. */
  dueAt: number
  /** Before that the edge does not want to be asked. */
  notBefore: number
  idleTimer: (() => void) | undefined
  waiting: (() => void)[]
}

const pollMs = 60_000
/** Beside a stream: what changes by the clock alone is announced by nobody. */
const slowPollMs = 300_000
const backOffMaxMs = 60_000
/** Those who hear of a change do not all ask in one moment. */
const noticeSpreadMs = 500
const idleMaxMs = 120_000

export function makeFollower(given: Pick<Follower, 'to' | 'take' | 'moved' | 'subject' | 'held'>): Follower {
  return {
    ...given,
    isRunning: false,
    isRefused: undefined,
    error: undefined,
    confirmedAt: null,
    floor: null,
    isFloorSure: false,
    failures: 0,
    streamEnds: 0,
    flight: undefined,
    notices: undefined,
    timer: undefined,
    dueAt: Infinity,
    notBefore: -Infinity,
    idleTimer: undefined,
    waiting: [],
  }
}

/** Asks now for the context there is, in the place of what was asked before. Resolves when that was tried. */
export function askNow(follower: Follower): Promise<void> {
  follower.confirmedAt = null
  follower.flight?.abort()
  follower.flight = undefined
  void ask(follower)
  return whenAsked(follower)
}

/** Resolves when what is being asked was tried. */
export function whenAsked(follower: Follower): Promise<void> {
  return follower.flight ? new Promise((resolve) => follower.waiting.push(resolve)) : Promise.resolve()
}

/** Starts, or goes on after `halt`. */
export function resume(follower: Follower): void {
  if (follower.isRunning) return
  follower.isRunning = true
  void ask(follower)
}

/** The page is looked at again, or the network is back. */
export function wake(follower: Follower): void {
  follower.idleTimer?.()
  follower.failures = 0
  const isBehind = isOlder(follower.held?.version ?? null, follower.floor)
  schedule(follower, follower.notices?.isLive() && !isBehind ? slowPollMs : 0)
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
  release(follower)
  closeNotices(follower)
}

async function ask(follower: Follower): Promise<void> {
  if (follower.flight || !follower.isRunning || follower.isRefused) return
  if (follower.to.ports.ticks() < follower.notBefore) return schedule(follower, 0)
  const flight = new AbortController()
  follower.flight = flight
  const { to, subject, held, floor } = follower
  const question = { context: subject.context, etag: held?.etag ?? null, atLeast: floor }
  const outcome = await askEdge(to, question, flight)
  // Another question took its place: this answer is nobody's.
  if (follower.flight !== flight) return
  follower.flight = undefined
  clearTimer(follower)
  settle(follower, outcome, floor)
  release(follower)
  follower.moved()
}

/** `asked` is the floor that the edge was told. */
function settle(follower: Follower, outcome: Outcome, asked: string | null): void {
  if (outcome.kind === 'answer') {
    const version = outcome.version ?? asked
    // While it was on its way, there was word of something newer.
    if (isOlder(version, follower.floor)) return retry(follower, 0)
    return accept(follower, outcome, version)
  }
  follower.error = outcome.error
  if (outcome.kind === 'refused') {
    follower.isRefused = true
    return closeNotices(follower)
  }
  if (outcome.kind === 'behind' && !follower.isFloorSure) follower.floor = null
  retry(follower, outcome.kind === 'failed' ? outcome.retryAfterMs : 0)
}

function accept(
  follower: Follower,
  { copy, ageMs }: Extract<Outcome, { kind: 'answer' }>,
  version: string | null,
): void {
  follower.error = undefined
  follower.failures = 0
  follower.floor = version
  follower.isFloorSure = true
  follower.confirmedAt = follower.to.ports.ticks() - ageMs
  follower.take(copy, version)
  listen(follower)
  const periodMs = follower.notices?.isLive() ? slowPollMs : pollMs
  schedule(follower, periodMs * (0.9 + 0.2 * follower.to.ports.random()))
}

function listen(follower: Follower): void {
  const { to } = follower
  const credential = follower.held?.credential
  if (follower.notices || !credential || to.ports.isHidden()) return
  follower.notices = openNotices(to, credential, {
    heard: (version) => hear(follower, version),
    broke: () => {
      schedule(follower, pollMs)
      follower.moved()
    },
    ended: () => {
      follower.notices = undefined
      schedule(follower, backOffMs(follower, follower.streamEnds++))
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
  } else if (follower.confirmedAt !== null) follower.confirmedAt = to.ports.ticks()
  follower.moved()
}

function retry(follower: Follower, retryAfterMs: number): void {
  follower.notBefore = follower.to.ports.ticks() + retryAfterMs
  schedule(follower, retryAfterMs + backOffMs(follower, follower.failures++))
}

/** Full jitter, from a second doubling to a minute. */
function backOffMs({ to }: Follower, tries: number): number {
  return to.ports.random() * Math.min(backOffMaxMs, 1_000 * 2 ** tries)
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
    void ask(follower)
  })
}

function release({ waiting }: Follower): void {
  for (const resolve of waiting.splice(0)) resolve()
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
