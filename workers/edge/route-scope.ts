import type { Gate } from './authorize.ts'
import type { MakeEtag } from './etag.ts'
import type { ViewPorts } from './view-state.ts'

/** What an isolate keeps between requests. */
export interface Edge extends Gate {
  readonly makeEtag: MakeEtag
  readonly openHubStream: (query: URLSearchParams) => Promise<Response>
}

/** What a route works with. */
export interface RouteScope {
  readonly request: Request
  readonly edge: Edge
  readonly ports: ViewPorts
}
