import { takeCounts } from '@halyard/shared/engine/tally.ts'
import type { ClientStatus, FlagChange, FlagClient } from '../client/flag-client.ts'
import type { AnyFlags } from '../client/flag-types.ts'
import type { Flags } from '../client/flags.ts'
import { makeFlags } from '../client/make-flags.ts'
import { makeWebBootstrap } from '../client/web-bootstrap.ts'
import { makeEventCounts, type EventCounts } from '../events/event-counts.ts'
import { startEventSender, type EventSender } from '../events/event-sender.ts'
import { formatCopy } from '../sync/saved-copy.ts'
import { clientStatus } from './client-status.ts'
import { makeFlagsInUse, type FlagsInUse } from './flags-in-use.ts'
import { holdFlags, type Holder } from './hold-flags.ts'
import { makeReadiness, type Readiness } from './readiness.ts'
import type { ServerClient } from './server-client.ts'
import type { ServerSettings } from './server-options.ts'
import type { ServerPorts } from './server-ports.ts'
import { watchStatus, type StatusWatch } from './watch-status.ts'

export interface ServerClientPorts extends ServerPorts {
  /** Aborts the requests that are under way. */
  readonly endRequests: () => void
}

const readyMs = 5_000
/** What is not sent or saved by then is given up. */
const closeMs = 3_000

/** Makes a client, which begins to follow its environment at once. */
export function makeServerClient<F extends object = AnyFlags>(
  settings: ServerSettings,
  ports: ServerClientPorts,
): ServerClient<F> {
  const { logger } = settings
  const flags = makeFlagsInUse(logger)
  const readiness = makeReadiness()
  const holder = holdFlags(settings, ports, {
    adopted: (adopted) => {
      flags.adopt(adopted)
      readiness.settle(true)
      watch.look()
    },
    completed: flags.complete,
  })
  const status = () => clientStatus(holder.reader.status(), flags.inUse())
  const watch = watchStatus({ ...ports, ...holder, status, logger })
  // Nobody waits for flags with a key that is refused, or after the end.
  watch.on(
    ({ state }) => (state === 'offline' || state === 'closed') && readiness.settle(flags.view() !== null),
  )
  const counts = makeEventCounts(ports.now(), logger.warn)
  const sender = startEventSender({
    ...ports,
    counts,
    collect: () => collect(flags, counts),
    makeId: () => crypto.randomUUID(),
    report: logger.warn,
  })
  const rest = restOf<F>({ ports, flags, readiness, holder, watch, counts, sender, status })
  // Not spread: `version` is read anew each time.
  return Object.assign(makeFlags<F>({ view: flags.view, now: ports.now }), rest)
}

interface Parts {
  readonly ports: ServerClientPorts
  readonly flags: FlagsInUse
  readonly readiness: Readiness
  readonly holder: Holder
  readonly watch: StatusWatch
  readonly counts: EventCounts
  readonly sender: EventSender
  readonly status: () => ClientStatus
}

type Rest<F extends object> = Omit<ServerClient<F>, keyof Flags<F>>

function restOf<F extends object>(parts: Parts): Rest<F> {
  const { ports, flags, readiness, holder, watch, counts, sender, status } = parts
  let closing: Promise<void> | null = null
  return {
    ready: async (options) => {
      const asked: unknown = options?.timeoutMs
      const timeoutMs = typeof asked === 'number' && !Number.isNaN(asked) ? asked : readyMs
      const { state } = status()
      const isSettled = flags.view() !== null || state === 'offline' || state === 'closed'
      return isSettled ? flags.view() !== null : await readiness.wait(timeoutMs)
    },
    status,
    snapshot: (context) => {
      const view = flags.view()
      return makeFlags<F>({ view: () => view, now: ports.now, context })
    },
    on: makeOn(flags, watch),
    track: (name, _context, details) => counts.countMetric(name, details?.value),
    flush: sender.flush,
    close: () => (closing ??= end(parts)),
    forBrowser: (context) => makeWebBootstrap(flags.view(), context, ports.now()),
    export: () => {
      const copy = holder.reader.snapshot()
      return copy && formatCopy({ ...copy, keys: holder.trust.keysToStore() })
    },
  }
}

function makeOn({ changes }: FlagsInUse, watch: StatusWatch): FlagClient['on'] {
  function on(event: 'change', listener: (change: FlagChange) => void): () => void
  function on(event: 'status', listener: (status: ClientStatus) => void): () => void
  function on(event: 'change' | 'status', listener: (what: never) => void): () => void {
    // Each event has its own listeners: the overloads above say which.
    return event === 'change' ? changes.on(listener as never) : watch.on(listener as never)
  }
  return on
}

async function end({ ports, holder, sender }: Parts): Promise<void> {
  await new Promise<void>((resolve) => {
    // This timer keeps the process alive: somebody waits.
    const timer = setTimeout(resolve, closeMs)
    void Promise.all([holder.close(), sender.close()]).finally(() => {
      clearTimeout(timer)
      resolve()
    })
  })
  ports.endRequests()
}

function collect({ tally }: FlagsInUse, { countFlag }: EventCounts): void {
  for (const { flag, variant, times } of takeCounts(tally)) countFlag(flag, variant, times)
}
