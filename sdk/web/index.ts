export type {
  ClientState,
  ClientStatus,
  FlagChange,
  FlagOrigin,
  Logger,
  TrackingDetails,
} from '../client/flag-client.ts'
export type { AnyFlags } from '../client/flag-types.ts'
export type { ErrorCode, EvaluationContext, EvaluationDetails, Json, Reason } from '../client/flags.ts'
export type { WebBootstrap } from '../client/web-bootstrap.ts'
export { createWebClient } from './create-web-client.ts'
export type { Answers, WebClient, WebClientOptions, WebStorage } from './web-client.ts'
