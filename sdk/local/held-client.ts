/** A client of flags that its maker puts in place: without a server, a file or a timer. */
import { makeTally } from '@halyard/shared/engine/tally.ts'
import { loadBody } from '@halyard/shared/flag-file/compile-flag-file.ts'
import { changedFlags } from '../client/changed-flags.ts'
import type {
  ClientState,
  ClientStatus,
  FlagChange,
  FlagClient,
  FlagOrigin,
  Logger,
} from '../client/flag-client.ts'
import type { AnyFlags } from '../client/flag-types.ts'
import type { EvaluationContext } from '../client/flags.ts'
import { makeFlags, type FlagView } from '../client/make-flags.ts'
import { makeWebBootstrap, type WebBootstrap } from '../client/web-bootstrap.ts'

/** A client of flags that are not a server's. Nothing that it counts or tracks goes anywhere. */
export interface LocalClient<F extends object = AnyFlags> extends FlagClient<F> {
  /** What `createWebClient({bootstrap})` starts from: the client-visible flags for this context. */
  forBrowser(context?: EvaluationContext): WebBootstrap
}

export interface HeldFlags<F extends object> {
  readonly client: LocalClient<F>
  /** Puts the body of a snapshot in place and tells of the change. Gives the keys of the flags that it may concern. */
  readonly put: (body: string) => readonly string[]
  /** Says how it stands with what is held: `stale` if it is not the newest, and why. */
  readonly setState: (state: ClientState, error?: string) => void
}

export interface HeldOptions {
  readonly body: string
  readonly origin: FlagOrigin
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly logger?: Logger | undefined
  /** Lets go of what keeps the flags new. */
  readonly onClose?: () => void
}

interface Held {
  view: FlagView
  state: ClientState
  error: string | undefined
  /** When what is held was last the newest, if it is not. */
  staleSince: number
}

export function makeHeldFlags<F extends object>(options: HeldOptions): HeldFlags<F> {
  const { body, origin, now, logger } = options
  const held: Held = { view: viewOf(body), state: 'live', error: undefined, staleSince: 0 }
  const changes = new Set<(change: FlagChange) => void>()
  const statuses = new Set<(status: ClientStatus) => void>()
  const status = () => statusOf(held, { origin, now })
  const setState: HeldFlags<F>['setState'] = (state, error) => {
    if (held.state === 'closed' || (state === held.state && error === held.error)) return
    if (held.state === 'live') held.staleSince = now()
    Object.assign(held, { state, error })
    tell(statuses, status(), logger)
  }
  const client: LocalClient<F> = {
    ...makeFlags<F>({ view: () => held.view, now }), // what it has as its version stays: null
    ready: async () => true,
    status,
    snapshot: (context) => {
      const { view } = held
      return makeFlags<F>({ view: () => view, now, context })
    },
    on: (event: 'change' | 'status', listener: (value: never) => void) => {
      const listeners: Set<(value: never) => void> = event === 'change' ? changes : statuses
      return subscribe(listeners, listener)
    },
    track: () => {},
    flush: async () => {},
    close: async () => {
      options.onClose?.()
      setState('closed')
    },
    forBrowser: (context) => makeWebBootstrap(held.view, context, now()),
  }
  return { client, setState, put: (next) => replace(held, next, (change) => tell(changes, change, logger)) }
}

function viewOf(body: string): FlagView {
  return { snapshot: loadBody(body), version: null, tally: makeTally() }
}

function replace(held: Held, body: string, onChange: (change: FlagChange) => void): readonly string[] {
  const before = held.view.snapshot.lines
  const next = viewOf(body)
  const flags = changedFlags(before, next.snapshot.lines)
  held.view = next
  if (flags.length > 0) onChange({ version: null, flags })
  return flags
}

function statusOf(held: Held, { origin, now }: Pick<HeldOptions, 'origin' | 'now'>): ClientStatus {
  const { state, error, staleSince } = held
  const ageMs = state === 'live' ? 0 : Math.max(0, now() - staleSince)
  return { state, version: null, origin, ageMs, ...(error !== undefined && { error }) }
}

function subscribe(listeners: Set<(value: never) => void>, listener: (value: never) => void): () => void {
  const own = (value: never) => listener(value) // the same function may be given twice
  listeners.add(own)
  return () => void listeners.delete(own)
}

/** A listener that throws is its maker's to mend: the others hear all the same. */
function tell<T>(listeners: ReadonlySet<(value: T) => void>, value: T, logger: Logger | undefined): void {
  for (const listener of Array.from(listeners)) {
    try {
      listener(value)
    } catch (cause) {
      logger?.error(`a listener failed: ${String(cause)}`)
    }
  }
}
