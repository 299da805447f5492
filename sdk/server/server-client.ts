import type { EvaluationContext } from '../client/flags.ts'
import type { FlagClient } from '../client/flag-client.ts'
import type { AnyFlags } from '../client/flag-types.ts'
import type { WebBootstrap } from '../client/web-bootstrap.ts'

/** A client that holds all flags of its environment and evaluates in its own process. */
export interface ServerClient<F extends object = AnyFlags> extends FlagClient<F> {
  /** What `createWebClient({bootstrap})` starts from: the client-visible flags for this context. */
  forBrowser(context?: EvaluationContext): WebBootstrap
  /** What is held as a text that `createClient({bootstrap})` of another process starts from; null if nothing is. */
  export(): string | null
}
