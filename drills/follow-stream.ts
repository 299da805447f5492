import { pingText, streamProtocol } from '@halyard/shared/protocol/stream.ts'
import { openLeanSocket, type LeanSocket, type SocketEnd } from '../dev/lean-socket.ts'

export interface FollowOptions {
  readonly edgeUrl: string
  readonly key: string
  /** Waits as clients must: full jitter from 1 s doubling to 30 s, longer if told so. False: comes back at once. */
  readonly isPatient: boolean
  readonly random: () => number
  /** Gets each message; 'resync' drops the connection and asks for the whole. */
  readonly onText: (text: string) => Promise<'taken' | 'resync'> | 'taken' | 'resync'
  /** The token to resume from, or null for the whole. */
  readonly since?: () => string | null
}

export interface Follower {
  readonly isOpen: () => boolean
  readonly counts: Readonly<FollowCounts>
  readonly stop: () => void
}

export interface FollowCounts {
  tries: number
  opened: number
  /** Nobody listened, or the connection broke before it was open. */
  unreachable: number
  /** 503 or 429 with Retry-After. */
  askedToWait: number
  /** Any other answer than 101. */
  refused: number
  /** Ended by the server's close frame. */
  sentAway: number
}

interface State {
  readonly options: FollowOptions
  readonly counts: FollowCounts
  socket: LeanSocket | null
  timer: NodeJS.Timeout | undefined
  failures: number
  /** Of performance.now(); 0 while it is not open. */
  openedAt: number
  /** The next connection is to be given the whole. */
  isWhole: boolean
  goawayMs: number | null
  /** Messages are taken one after another. */
  work: Promise<void>
}

const backOff = { firstMs: 1_000, maxMs: 30_000, healthyMs: 60_000 }
const impatientMs = 5

/** Keeps a stream open, whatever happens to the other side. */
export function followStream(options: FollowOptions): Follower {
  const state: State = {
    options,
    counts: { tries: 0, opened: 0, unreachable: 0, askedToWait: 0, refused: 0, sentAway: 0 },
    socket: null,
    timer: undefined,
    failures: 0,
    openedAt: 0,
    isWhole: false,
    goawayMs: null,
    work: Promise.resolve(),
  }
  open(state)
  return {
    isOpen: () => state.openedAt > 0,
    counts: state.counts,
    stop: () => {
      clearTimeout(state.timer)
      state.socket?.end()
      state.socket = null
    },
  }
}

function open(state: State): void {
  const { options, counts } = state
  counts.tries += 1
  const since = state.isWhole ? null : (options.since?.() ?? null)
  state.isWhole = false
  const query = since === null ? '' : `?since=${since}`
  const target = {
    url: `${options.edgeUrl}/v1/stream${query}`,
    headers: { authorization: `Bearer ${options.key}` },
    protocol: streamProtocol,
  }
  state.socket = openLeanSocket(target, {
    onOpen: () => {
      counts.opened += 1
      state.openedAt = performance.now()
    },
    onText: (payload) => {
      const text = payload.toString()
      state.work = state.work.then(() => take(state, text))
    },
    onEnd: (end) => comeBack(state, end),
  })
}

async function take(state: State, text: string): Promise<void> {
  if (text.startsWith('{"kind":"head"')) state.socket?.send(pingText)
  if (text.startsWith('{"kind":"goaway"')) state.goawayMs = Number(JSON.parse(text).retryAfterMs)
  if ((await state.options.onText(text)) === 'taken' || !state.socket) return
  state.socket.end()
  state.socket = null
  state.isWhole = true
  state.openedAt = 0
  openAfter(state, 0)
}

function comeBack(state: State, end: SocketEnd): void {
  const { openedAt, counts, options } = state
  if (openedAt > 0 && performance.now() - openedAt > backOff.healthyMs) state.failures = 0
  state.openedAt = 0
  state.socket = null
  count(counts, end)
  const jitterMs = options.random() * Math.min(backOff.maxMs, backOff.firstMs * 2 ** state.failures)
  state.failures += 1
  const isTold = end.kind === 'refused' && end.retryAfterSec !== null
  // After a goaway everybody is told the same; a Retry-After is spread by the server.
  if (state.goawayMs !== null) openAfter(state, state.goawayMs + jitterMs)
  else openAfter(state, isTold ? (end.retryAfterSec ?? 0) * 1_000 : jitterMs)
  state.goawayMs = null
}

function openAfter(state: State, waitMs: number): void {
  state.timer = setTimeout(() => open(state), state.options.isPatient ? waitMs : impatientMs)
}

function count(counts: FollowCounts, end: SocketEnd): void {
  if (end.kind === 'unreachable') counts.unreachable += 1
  else if (end.kind === 'closed') counts.sentAway += end.code === null ? 0 : 1
  else if (end.retryAfterSec !== null) counts.askedToWait += 1
  else counts.refused += 1
}
