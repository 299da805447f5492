import type { ClientState, ClientStatus, FlagOrigin } from '../client/flag-client.ts'
import type { ReaderStatus } from '../sync/reader.ts'

/** What is in use: a version token, and where it came from. */
export interface InUse {
  readonly version: string
  readonly origin: FlagOrigin
}

/** What a client says of itself, by what its reader says. */
export function clientStatus(reader: ReaderStatus, inUse: InUse | null): ClientStatus {
  const error = reader.refusal ?? reader.error
  return {
    state: stateOf(reader, inUse !== null),
    version: inUse?.version ?? null,
    origin: inUse?.origin ?? null,
    ageMs: reader.ageMs,
    ...(error !== null && { error }),
    ...(reader.phase === 'refused' && { isRefused: true }),
  }
}

/** Whether a listener would care: an age grows by itself. */
export function isSameStatus(a: ClientStatus, b: ClientStatus): boolean {
  return a.state === b.state && a.version === b.version && a.origin === b.origin && a.error === b.error
}

function stateOf({ phase, isSeen, isConnected }: ReaderStatus, hasFlags: boolean): ClientState {
  if (phase === 'closed') return 'closed'
  if (phase === 'refused') return 'offline'
  if (!hasFlags) return 'starting'
  if (!isSeen) return 'offline'
  if (phase === 'stale') return 'stale'
  return isConnected ? 'live' : 'polling'
}
