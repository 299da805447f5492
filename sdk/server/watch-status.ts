import type { ClientStatus, Logger } from '../client/flag-client.ts'
import { makeListeners, type Listeners } from '../client/listeners.ts'
import type { Reader } from '../sync/reader.ts'
import { isSameStatus } from './client-status.ts'

export interface StatusWatch {
  readonly on: Listeners<ClientStatus>['on']
  /** The status may be another now. */
  readonly look: () => void
}

export interface StatusWatchPorts {
  readonly reader: Reader
  readonly status: () => ClientStatus
  readonly setTimer: (ms: number, run: () => void) => () => void
  readonly logger: Logger
}

/** Tells of each status that differs from the one before, also where nothing but time made the difference. */
export function watchStatus({ reader, status, setTimer, logger }: StatusWatchPorts): StatusWatch {
  const listeners = makeListeners<ClientStatus>('status', logger)
  let last = status()
  let cancel: (() => void) | null = null
  const look = () => {
    cancel?.()
    const { phase, freshForMs } = reader.status()
    if (phase === 'live') cancel = setTimer(freshForMs + 1, look)
    const next = status()
    if (isSameStatus(last, next)) return
    if (isNews(last, next)) logger[levelOf(next)](describe(next))
    last = next
    listeners.tell(next)
  }
  reader.onStatus(look)
  return { on: listeners.on, look }
}

/** Whether an operator wants to know: not of each version. */
function isNews(last: ClientStatus, next: ClientStatus): boolean {
  return last.state !== next.state || (last.error === undefined && next.error !== undefined)
}

function levelOf({ state, error, isRefused }: ClientStatus): keyof Logger {
  if (isRefused) return 'error'
  const isTroubled =
    state === 'stale' || ((state === 'starting' || state === 'offline') && error !== undefined)
  return isTroubled ? 'warn' : 'debug'
}

function describe({ state, version, error }: ClientStatus): string {
  const what = version === null ? 'there are no flags' : `flags of version ${version} are in use`
  return `${state}: ${what}${error === undefined ? '' : ` (${error})`}`
}
