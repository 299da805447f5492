/** `@halyard/sdk/workers`: flags evaluated in a Worker, from a copy that its isolate holds. */
export { createClient } from './create-client.ts'
export type { WorkersClient } from './make-workers-client.ts'
export type { WorkersOptions } from './workers-options.ts'
export type { TrustedKey } from '../server/server-options.ts'
export type { AnyFlags } from '../client/flag-types.ts'
export type { WebBootstrap, WebFlag } from '../client/web-bootstrap.ts'
export type {
  ClientState,
  ClientStatus,
  FlagChange,
  FlagClient,
  FlagOrigin,
  Logger,
  TrackingDetails,
} from '../client/flag-client.ts'
export type {
  ErrorCode,
  EvaluationContext,
  EvaluationDetails,
  Explanation,
  Flags,
  Json,
  Reason,
} from '../client/flags.ts'
