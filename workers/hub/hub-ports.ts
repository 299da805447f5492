import type { HeadVerifier } from '@halyard/shared/protocol/head.ts'
import type { RelayAck, RelayUpdate } from './relay-wire.ts'
import type { Sql } from './sql.ts'

/** SHA-256, hex. */
export type Hash = (content: string | Uint8Array<ArrayBuffer>) => Promise<string>

/** What hub and relays need of the world alike. Times are epoch milliseconds. */
export interface ObjectPorts {
  readonly sql: Sql
  readonly transactionSync: <Result>(work: () => Result) => Result
  readonly now: () => number
  readonly verify: HeadVerifier
  readonly hash: Hash
  /** Sets the one alarm of the object, in the place of the one before; null for none. */
  readonly setAlarm: (at: number | null) => Promise<void>
  /** Hears of what went wrong and will be tried again. */
  readonly report: (what: string, details: Readonly<Record<string, unknown>>) => void
}

/** What the hub of an environment needs besides. What is called here answers in bounded time, or rejects. */
export interface HubPorts extends ObjectPorts {
  /** Whether this is the object of that environment. */
  readonly isOwn: (environment: string) => boolean
  readonly kv: {
    readonly put: (name: string, value: string | Uint8Array<ArrayBuffer>) => Promise<void>
    readonly delete: (name: string) => Promise<void>
  }
  readonly callRelay: (environment: string, relay: string, update: RelayUpdate) => Promise<RelayAck | null>
  /** Lets work go on that nobody waits for. */
  readonly defer: (work: Promise<void>) => void
}
