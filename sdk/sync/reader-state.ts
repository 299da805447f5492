import type { Freshness } from './freshness.ts'
import type { Replica, ReplicaPorts } from './replica.ts'
import type { ReaderPorts } from './reader-ports.ts'

/** What the stream and the poller of one reader share. */
export interface ReaderState {
  readonly replica: Replica
  readonly freshness: Freshness
  readonly ports: ReaderPorts & ReplicaPorts
  /** `refused`: the key may not be used: neither path tries with it. What is held stays. */
  phase: 'open' | 'refused' | 'closed'
  /** Why the key was refused; null once it was accepted again. */
  refusal: string | null
  /** The key may not be used: ends both paths for a while. */
  readonly refuse: (reason: string) => void
  /** The key was accepted. */
  readonly accept: () => void
  /** Why a connection last failed, and none has worked since. */
  error: string | null
  /** Something of the status may have changed. */
  readonly touch: () => void
  /** Whether a stream is open. */
  isConnected: boolean
}

/** Whether an HTTP status says that the key is not to be used again. */
export function refusesKey(status: number | undefined): boolean {
  return status === 401 || status === 403
}
