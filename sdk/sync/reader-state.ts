import type { Freshness } from './freshness.ts'
import type { Replica, ReplicaPorts } from './replica.ts'
import type { ReaderPorts } from './reader-ports.ts'

/** What the stream and the poller of one reader share. */
export interface ReaderState {
  readonly replica: Replica
  readonly freshness: Freshness
  readonly ports: ReaderPorts & ReplicaPorts
  /** `refused`: the key may not be used (again): neither path tries with it. What is held stays. */
  phase: 'open' | 'refused' | 'closed'
  /** Why the key was refused. */
  refusal: string | null
  /** The key may not be used: ends both paths. */
  readonly refuse: (reason: string) => void
  /** Whether a stream is open. */
  isConnected: boolean
}

/** Whether an HTTP status says that the key is not to be used again. */
export function refusesKey(status: number | undefined): boolean {
  return status === 401 || status === 403
}
