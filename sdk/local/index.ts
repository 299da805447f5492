/** `@halyard/sdk/local`: flags from a file, for development, tests and CI; for Node, Bun and Deno. */
export { createLocalClient, type FileOptions, type LocalOptions } from './create-local-client.ts'
export type { FlagFileInput } from './read-object.ts'
export type { LocalClient } from './held-client.ts'
export type { AnyFlags } from '../client/flag-types.ts'
export type { WebBootstrap, WebFlag } from '../client/web-bootstrap.ts'
export type {
  ClientState,
  ClientStatus,
  FlagChange,
  FlagClient,
  FlagOrigin,
  Logger,
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
