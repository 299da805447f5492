import { takeCounts } from '@halyard/shared/engine/tally.ts'
import type { ClientState, ClientStatus, FlagClient } from '../client/flag-client.ts'
import type { AnyFlags } from '../client/flag-types.ts'
import type { Flags } from '../client/flags.ts'
import { makeListeners } from '../client/listeners.ts'
import { makeFlags } from '../client/make-flags.ts'
import { makeWebBootstrap } from '../client/web-bootstrap.ts'
import { makeEventCounts, type EventCounts } from '../events/event-counts.ts'
import { makeEventSender, type EventSender } from '../events/event-sender.ts'
import { makeFlagsInUse, type FlagsInUse } from '../server/flags-in-use.ts'
import type { ServerClient } from '../server/server-client.ts'
import type { ServerSettings } from '../server/server-options.ts'
import type { ServerPorts } from '../server/server-ports.ts'
import type { CopyCache } from './copy-cache.ts'
import { followEdge, type Follower } from './follow-edge.ts'

/**
 * A client without a connection: it asks the edge when requests come. What the edge confirmed within 10 s is used as it
 * is; up to 60 s it is used, and the edge asked behind the answer; older, `ready` asks first, but not for long.
 */
export type WorkersClient<F extends object = AnyFlags> = Omit<ServerClient<F>, 'export'>

export interface WorkersPorts extends Omit<ServerPorts, 'openStream'>, CopyCache {
  /** Keeps the Worker running until this has settled. Throws outside of requests. */
  readonly waitUntil: (work: Promise<unknown>) => void
}

const freshMs = 10_000
const oldMs = 60_000
/** Whoever has old flags waits so long for newer ones; whoever has none, so long for the first. */
const patienceMs = { old: 300, none: 1_500 }
/** An edge that was asked and says nothing for so long is failing. */
const silentMs = 1_000
/** The edge is asked no oftener than this by an isolate that holds flags. */
const askEveryMs = 1_000
const flushEveryMs = 60_000
/** Longer than an edge is waited for with a batch. */
const sendingMaxMs = 15_000

export function makeWorkersClient<F extends object = AnyFlags>(
  settings: ServerSettings,
  ports: WorkersPorts,
): WorkersClient<F> {
  const flags = makeFlagsInUse(settings.logger)
  const follower = followEdge(settings, ports, flags)
  const asking = makeAsking({ settings, ports, flags, follower })
  const counting = makeCounting(settings, ports, flags)
  const isServing = makeServingCheck(ports)
  const rest: Omit<WorkersClient<F>, keyof Flags<F>> = {
    ready: async (options) => {
      if (!isServing()) return flags.view() !== null
      counting.flushIfDue()
      return await asking.ready(options)
    },
    status: asking.status,
    snapshot: (context) => {
      const view = flags.view()
      if (isServing()) {
        asking.look()
        counting.flushIfDue()
      }
      return makeFlags<F>({ view: () => view, now: ports.now, context })
    },
    on: (event: 'change' | 'status', listener: (what: never) => void) =>
      // FlagClient's overloads say which event has which listener.
      event === 'change' ? flags.changes.on(listener as never) : asking.statuses.on(listener as never),
    track: (name, _context, details) => counting.track(name, details?.value),
    flush: counting.flush,
    close: async () => {
      asking.close()
      await counting.flush()
    },
    forBrowser: (context) => makeWebBootstrap(flags.view(), context, ports.now()),
  }
  // Not spread: `version` is read anew each time.
  return Object.assign(makeFlags<F>({ view: flags.view, now: ports.now }), rest)
}

interface AskingParts {
  readonly settings: ServerSettings
  readonly ports: WorkersPorts
  readonly flags: FlagsInUse
  readonly follower: Follower
}

/** When the edge is asked, and what is said of it. */
function makeAsking({ settings, ports, flags, follower }: AskingParts) {
  const statuses = makeListeners<ClientStatus>('status', settings.logger)
  let isClosed = false
  let lastState: ClientState = 'starting'
  const hasFlags = () => flags.view() !== null
  const age = () => follower.ageMs() ?? Infinity
  const isDue = () => !isClosed && follower.sinceAskedMs() >= askEveryMs
  /** Then nobody waits for the edge: it is asked behind the answers until it is well again. */
  const isFailing = () => follower.error() !== null || follower.pendingMs() >= silentMs
  const status = (): ClientStatus => {
    const error = follower.error()
    const { version, origin } = flags.inUse() ?? { version: null, origin: null }
    const isRefused = error?.isRefusal === true
    const state = isClosed ? 'closed' : stateOf(hasFlags(), follower.ageMs(), isRefused)
    return {
      state,
      version,
      origin,
      ageMs: follower.ageMs(),
      ...(error && { error: error.reason }),
      ...(isRefused && { isRefused }),
    }
  }
  const ask = async () => {
    await follower.ask()
    const now = status()
    if (now.state !== lastState) statuses.tell(now)
    lastState = now.state
  }
  const look = () => {
    if (age() > freshMs && isDue()) keepRunning(ports, ask())
  }
  /** Whoever waits for the first flags asks for himself: what another asked may have ended with its request. */
  const mayAsk = () => isDue() || !(isClosed || hasFlags() || isFailing())
  return {
    statuses,
    status,
    /** Asks behind the answer, if it is time to. */
    look,
    /** All that is waited for has one deadline. */
    ready: async ({ timeoutMs = patienceMs.none }: Parameters<FlagClient['ready']>[0] = {}) => {
      const until = ports.now() + timeoutMs
      if (!hasFlags() && !isFailing()) await within(timeoutMs, keepRunning(ports, follower.recall()))
      if (age() > oldMs && mayAsk()) {
        const left = Math.max(0, until - ports.now())
        const wait = isFailing() ? 0 : hasFlags() ? Math.min(left, patienceMs.old) : left
        await within(wait, keepRunning(ports, ask()))
      } else look()
      return hasFlags()
    },
    close: () => {
      isClosed = true
    },
  }
}

interface Counting extends Pick<EventSender, 'flush'> {
  readonly track: (name: string, value?: number) => void
  readonly flushIfDue: () => void
}

/** Begun by the first request: outside of requests a Worker has no clock. */
function makeCounting({ logger }: ServerSettings, ports: WorkersPorts, flags: FlagsInUse): Counting {
  let begun: { readonly counts: EventCounts; readonly sendAll: () => Promise<void> } | null = null
  let flushedAt = 0
  const begin = () => {
    flushedAt = ports.now()
    const counts = makeEventCounts(flushedAt, logger.warn)
    const collect = () => {
      for (const { flag, variant, times } of takeCounts(flags.tally)) counts.countFlag(flag, variant, times)
    }
    const rest = { makeId: () => crypto.randomUUID(), report: logger.warn }
    return {
      counts,
      sendAll: makeSending(ports, () => makeEventSender({ ...ports, ...rest, counts, collect })),
    }
  }
  const flush = async () => {
    const { sendAll } = (begun ??= begin())
    flushedAt = ports.now()
    await within(sendingMaxMs, keepRunning(ports, sendAll()))
  }
  return {
    track: (name, value) => (begun ??= begin()).counts.countMetric(name, value),
    flush,
    flushIfDue: () => {
      begun ??= begin()
      if (ports.now() - flushedAt >= flushEveryMs) void flush()
    },
  }
}

/**
 * Sends with a sender that is replaced if it does not come to an end: the connection of a request that has ended is
 * gone, and what waits for it waits for ever.
 */
function makeSending({ now }: WorkersPorts, makeSender: () => Pick<EventSender, 'flush'>) {
  let sender = makeSender()
  let sendingSince: number | null = null
  return async () => {
    if (sendingSince !== null && now() - sendingSince >= sendingMaxMs) {
      sender = makeSender()
      sendingSince = null
    }
    const mine = sender
    sendingSince ??= now()
    await mine.flush()
    if (mine === sender) sendingSince = null
  }
}

function stateOf(hasFlags: boolean, ageMs: number | null, isRefused: boolean): ClientState {
  if (isRefused) return 'offline'
  if (!hasFlags) return 'starting'
  if (ageMs === null) return 'offline'
  return ageMs > oldMs ? 'stale' : 'polling'
}

/** Says whether requests have come: before them, in the global scope, the platform has no clock, timer or network. */
function makeServingCheck({ waitUntil }: WorkersPorts): () => boolean {
  let isServing = false
  return () => {
    if (isServing) return true
    try {
      waitUntil(Promise.resolve())
      isServing = true
    } catch {
      // The first request asks.
    }
    return isServing
  }
}

/** Lets work outlive its request: also what others wait for may not end with the request that began it. */
function keepRunning<T>({ waitUntil }: WorkersPorts, work: Promise<T>): Promise<T> {
  try {
    waitUntil(work)
  } catch {
    // Outside of requests nothing is waited for.
  }
  return work
}

/** Waits for work, but not longer than that. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  try {
    await Promise.race([work, late])
  } catch {
    // Outside of requests there are no timers, and nothing is waited for.
  }
  clearTimeout(timer)
}
