/** `@halyard/sdk/server`: flags evaluated in the process that asks, for Node, Bun and Deno. */
export { createClient } from './create-client.ts'
export { fileStore } from './file-store.ts'
export type { ServerClient } from './server-client.ts'
export type { ServerOptions, TrustedKey } from './server-options.ts'
export type { FlagStore } from './flag-store.ts'
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
