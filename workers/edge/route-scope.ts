import type { Gate } from './authorize.ts'
import type { MakeEtag } from './etag.ts'
import type { Streams } from './streams.ts'
import type { Usage } from './usage.ts'
import type { ViewPorts } from './view-state.ts'

/** What an isolate keeps between requests. */
export interface Edge extends Gate {
  readonly makeEtag: MakeEtag
  readonly usage: Usage
  readonly streams: Streams
  /** Counts batches of events in a location, if there is such a binding. */
  readonly eventBatches: RateLimit | undefined
  /** The public keys that it trusts, as a JSON text. */
  readonly jwks: string
}

/** What a route works with. */
export interface RouteScope {
  readonly request: Request
  readonly edge: Edge
  readonly ports: ViewPorts
}
