/** A client of flags that its maker puts in place: without a server, a file or a timer. */
import { makeTally } from '@halyard/shared/engine/tally.ts'
import { loadBody } from '@halyard/shared/flag-file/compile-flag-file.ts'
import { changedFlags } from '../client/changed-flags.ts'
import type { ClientState, ClientStatus, FlagChange, FlagOrigin, Logger } from '../client/flag-client.ts'
import type { AnyFlags } from '../client/flag-types.ts'
import { makeListeners } from '../client/listeners.ts'
import { makeFlags, type FlagView } from '../client/make-flags.ts'
import { makeWebBootstrap } from '../client/web-bootstrap.ts'
import type { ServerClient } from '../server/server-client.ts'

/** A client of flags that are not a server's. Nothing that it counts or tracks goes anywhere. */
export interface LocalClient<F extends object = AnyFlags> extends ServerClient<F> {
  /** Null: what is signed by nobody is for no other process. */
  export(): null
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
  /** One that never throws. */
  readonly logger: Logger
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
  const changes = makeListeners<FlagChange>('change', logger)
  const statuses = makeListeners<ClientStatus>('status', logger)
  const status = () => statusOf(held, { origin, now })
  const setState: HeldFlags<F>['setState'] = (state, error) => {
    if (held.state === 'closed' || (state === held.state && error === held.error)) return
    if (held.state === 'live') held.staleSince = now()
    Object.assign(held, { state, error })
    statuses.tell(status())
  }
  const client: LocalClient<F> = {
    ...makeFlags<F>({ view: () => held.view, now }), // what it has as its version stays: null
    ready: async () => true,
    status,
    snapshot: (context) => {
      const { view } = held
      return makeFlags<F>({ view: () => view, now, context })
    },
    on: (event: 'change' | 'status', listener: (what: never) => void) =>
      // FlagClient's overloads say which event has which listener.
      event === 'change' ? changes.on(listener as never) : statuses.on(listener as never),
    track: () => {},
    flush: async () => {},
    close: async () => {
      options.onClose?.()
      setState('closed')
    },
    forBrowser: (context) => makeWebBootstrap(held.view, context, now()),
    export: () => null,
  }
  return { client, setState, put: (next) => replace(held, next, changes.tell) }
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
