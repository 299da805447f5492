/** `@halyard/sdk/testing`: a client in memory for tests, wherever they run. */
export {
  createTestClient,
  type FlagValues,
  type TestClient,
  type TestOptions,
  type Tracked,
  type ValueOf,
} from './create-test-client.ts'
export type { Evaluation } from './record-flags.ts'
export type { FlagDefinition } from './value-flag.ts'
export type { FlagFileInput } from '../local/read-object.ts'
export type { LocalClient } from '../local/held-client.ts'
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
