import type { ClientState, ClientStatus, FlagChange } from '../client/flag-client.ts'
import type { AnyFlags } from '../client/flag-types.ts'
import type { EvaluationContext } from '../client/flags.ts'
import { checkOptions } from './check-options.ts'
import {
  askNow,
  halt,
  makeFollower,
  resume,
  rest,
  wake,
  whenAsked,
  type Follower,
  type Held,
} from './follower.ts'
import { makeListeners, type Listeners } from './listeners.ts'
import { makeCalls, none } from './make-calls.ts'
import { listBootstrap, mergeAnswers, readAnswers } from './read-answers.ts'
import { makeSender, type Sender } from './sender.ts'
import { findStorage, makeStoredCopies, type StoredCopies } from './stored-copies.ts'
import { makeSubject, nobody, type Subject } from './subject.ts'
import { readToken } from './version-order.ts'
import type { WebClient, WebClientOptions } from './web-client.ts'
import { makeWebPorts, type WebPorts } from './web-ports.ts'

export interface MadeWebClient<F extends object> {
  readonly client: WebClient<F>
  /** Begins to follow the edge; what it returns lets go of all connections and timers, and it may be started again. */
  readonly start: () => () => void
}

interface Core {
  readonly options: WebClientOptions
  readonly copies: StoredCopies
  readonly changes: Listeners<FlagChange>
  readonly statuses: Listeners<ClientStatus>
  readonly sender: Sender
  readonly follower: Follower
  lastState: ClientState
  closing?: Promise<void>
  /** Lets go of connections and timers. */
  stop: () => void
}

const confirmedMaxMs = 90_000
const readyMs = 5_000

/** Makes a client that does nothing by itself until it is started. */
export function makeWebClient<F extends object = AnyFlags>(
  options: WebClientOptions,
  ports: WebPorts = makeWebPorts(),
): MadeWebClient<F> {
  checkOptions(options)
  const core = makeCore(options, ports)
  const bootstrapped = readBootstrap(core)
  core.follower.held = bootstrapped ?? recall(core)
  core.follower.floor = core.follower.held?.version ?? null
  core.lastState = statusOf(core).state
  const calls = makeCalls({
    answers: () => core.follower.held?.answers ?? none,
    count: core.sender.countFlag,
  })
  const client = {
    ...calls,
    get version() {
      return core.follower.held?.version ?? null
    },
    bootstrapped: bootstrapped?.answers ?? none,
    setContext: (context: EvaluationContext) => setContext(core, context),
    ready: ({ timeoutMs = readyMs } = {}) => ready(core, timeoutMs),
    status: () => statusOf(core),
    on: (event: 'change' | 'status', listener: (it: never) => void) =>
      // `WebClient` says which listener goes with which event
      (event === 'change' ? core.changes : core.statuses).add(listener as (it: unknown) => void),
    track: (name: string, details?: { readonly value?: number }) =>
      core.sender.countMetric(name, details?.value),
    flush: core.sender.flush,
    close: () => close(core),
  }
  // F narrows the keys and values of calls, at compile time alone
  return { client: client as unknown as WebClient<F>, start: () => start(core) }
}

function makeCore(options: WebClientOptions, ports: WebPorts): Core {
  const edge = options.edge.replace(/\/+$/, '')
  const { logger, storage, key } = options
  const to = { edge, key, ports, logger }
  const core: Core = {
    options,
    copies: makeStoredCopies(storage === undefined ? findStorage() : storage),
    changes: makeListeners(logger),
    statuses: makeListeners(logger),
    sender: makeSender(to),
    follower: makeFollower({
      to,
      take: (copy, version) => take(core, copy, version),
      moved: () => tellStatus(core),
      subject: makeSubject(to, options.context),
      held: null,
    }),
    lastState: 'starting',
    stop: () => {},
  }
  return core
}

function readBootstrap({ options: { bootstrap, logger }, follower: { subject } }: Core): Held | null {
  if (!bootstrap) return null
  try {
    const items = listBootstrap(bootstrap)
    const version = readToken(bootstrap.version)
    if (bootstrap.targetingKey !== subject.targetingKey) throw new TypeError('for another targetingKey')
    if (version === null && items.length === 0) return null // the server had nothing itself
    const answers = readAnswers(items)
    return { version, etag: null, credential: null, items, answers, origin: 'bootstrap' }
  } catch (cause) {
    logger?.error(`halyard: bootstrap: ${String(cause)}`)
    return null
  }
}

/** What was last kept for the very same context. */
function recall({ copies, follower: { subject } }: Core): Held | null {
  const copy = copies.read(subject.hash)
  try {
    return copy
      ? { ...copy, version: readToken(copy.version), answers: readAnswers(copy.items), origin: 'store' }
      : null
  } catch {
    return null // garbled: it is no copy
  }
}

function take(core: Core, copy: Omit<Held, 'origin'> | null, version: string | null): void {
  const { follower } = core
  const { subject } = follower
  if (copy) put(core, { ...copy, origin: 'poll' })
  // A listener may have changed the context.
  if (!follower.held || follower.subject !== subject) return
  follower.held = { ...follower.held, version }
  const { etag, credential, items } = follower.held
  core.copies.keep({ hash: subject.hash, version, etag, credential, items })
}

/** Puts other answers, or none, in the place of those held, and tells of the difference. */
function put(core: Core, held: Held | null): void {
  const { answers, changed } = mergeAnswers(core.follower.held?.answers ?? none, held?.answers ?? none)
  core.follower.held = held && { ...held, answers }
  if (changed.length > 0) core.changes.tell({ version: held?.version ?? null, flags: changed })
}

function setContext(core: Core, context: EvaluationContext): Promise<void> {
  const { follower } = core
  const before = follower.subject
  const subject = readSubject(core, context)
  if (subject.hash === before.hash) return whenAsked(follower)
  follower.subject = subject
  // Another user's answers are not this user's, not even for a moment.
  const isSameUser = subject.targetingKey === before.targetingKey
  put(core, recall(core) ?? (isSameUser ? core.follower.held : null))
  askNow(follower)
  tellStatus(core)
  return whenAsked(follower)
}

function readSubject({ follower, options }: Core, context: EvaluationContext): Subject {
  try {
    return makeSubject(follower.to, context)
  } catch (cause) {
    follower.error = String(cause)
    options.logger?.error(`halyard: ${follower.error}`)
    return nobody // nor are there those of the one before
  }
}

function close(core: Core): Promise<void> {
  core.closing ??= core.sender.close()
  core.stop()
  return core.closing
}

function start(core: Core): () => void {
  if (core.closing) return () => {}
  const { follower, sender } = core
  const { ports } = follower.to
  const stopListening = [
    ports.onPage('visibilitychange', () => {
      if (!ports.isHidden()) return wake(follower)
      rest(follower)
      void sender.flush()
    }),
    ports.onPage('pagehide', () => {
      halt(follower)
      void sender.flush()
    }),
    ports.onPage('pageshow', () => resume(follower)),
    ports.onPage('online', () => wake(follower)),
  ]
  resume(follower)
  sender.start()
  core.stop = () => {
    for (const stop of stopListening) stop()
    halt(follower)
    void sender.stop()
  }
  return core.stop
}

function ready(core: Core, timeoutMs: number): Promise<boolean> {
  const isOver = () => core.follower.held !== null || core.follower.isRefused || core.closing
  if (isOver()) return Promise.resolve(core.follower.held !== null)
  return new Promise((resolve) => {
    const finish = () => {
      stopTimer()
      stopListening()
      resolve(core.follower.held !== null)
    }
    const stopTimer = core.follower.to.ports.after(timeoutMs, finish, true)
    const stopListening = core.statuses.add(() => isOver() && finish())
  })
}

function statusOf(core: Core): ClientStatus {
  const { held, confirmedAt, error, isRefused, to } = core.follower
  const ageMs = confirmedAt === null ? null : to.ports.ticks() - confirmedAt
  const { version = null, origin = null } = held ?? {}
  return {
    state: stateOf(core, ageMs),
    version,
    origin,
    ageMs,
    ...(error && { error }),
    ...(isRefused && { isRefused }),
  }
}

function stateOf({ follower, closing }: Core, ageMs: number | null): ClientState {
  if (closing) return 'closed'
  if (follower.isRefused) return 'offline'
  if (!follower.held) return 'starting'
  if (ageMs === null) return 'offline'
  if (ageMs > confirmedMaxMs) return 'stale'
  return follower.notices?.isLive() ? 'live' : 'polling'
}

function tellStatus(core: Core): void {
  const status = statusOf(core)
  if (status.state === core.lastState) return
  core.lastState = status.state
  core.statuses.tell(status)
}
