import {
  ErrorCode,
  OpenFeatureEventEmitter,
  ProviderEvents,
  ProviderFatalError,
  ProviderNotReadyError,
  type EvaluationContext,
  type JsonValue,
  type Provider,
  type ResolutionDetails,
  type TrackingEventDetails,
} from '@openfeature/web-sdk'
import type { EvaluationContext as HalyardContext, EvaluationDetails, Json } from '../client/flags.ts'
import { createWebClient } from '../web/create-web-client.ts'
import type { WebClient, WebClientOptions } from '../web/web-client.ts'
import { followClient, outcomeOf, type Following, type Outcome, type Signal } from './follow-client.ts'
import { notReady, resolutionOf } from './resolution.ts'

/** The options of `createWebClient`, without the context: OpenFeature has that. */
export type WebProviderClientOptions = Omit<WebClientOptions, 'context'>

/** A web client of whatever type of flags. */
export interface AnyWebClient extends Pick<
  WebClient,
  'setContext' | 'ready' | 'status' | 'on' | 'track' | 'close'
> {
  booleanDetails(key: never, defaultValue: boolean): EvaluationDetails<boolean>
}

export interface WebProviderOptions {
  /** How long `initialize` waits for flags; 5,000 if left out. Whatever comes later is told as PROVIDER_READY. */
  readonly timeoutMs?: number | undefined
}

/**
 * Halyard for `@openfeature/web-sdk`. Give it the options of `createWebClient`, and it makes a client when it is
 * initialized and closes it with itself; or give it a web client, which stays yours to close. The context is
 * OpenFeature's: each `setContext` of the SDK is one of the client. A provider belongs to one domain.
 *
 * `initialize` fails with PROVIDER_FATAL if the options are wrong or the key is refused, and with PROVIDER_NOT_READY if
 * no flags came in time. The provider is STALE while the client holds flags that nobody confirms.
 */
export class HalyardWebProvider implements Provider {
  readonly runsOn = 'client'
  readonly domainScoped = true
  readonly metadata = { name: 'halyard' } as const
  readonly events = new OpenFeatureEventEmitter()
  /** Null: the client was given. */
  readonly #ownOptions: WebProviderClientOptions | null
  readonly #options: WebProviderOptions
  #client: WebClient | null
  #following: Following | null = null

  constructor(clientOrOptions: AnyWebClient | WebProviderClientOptions, options: WebProviderOptions = {}) {
    const isGiven = isClient(clientOrOptions)
    this.#ownOptions = isGiven ? null : clientOrOptions
    // It takes any text as a key, whatever its type knows of them.
    this.#client = isGiven ? (clientOrOptions as unknown as WebClient) : null
    this.#options = options
  }

  /** Waits for the flags of this context. Rejects with OpenFeature's errors alone. */
  async initialize(context: EvaluationContext = {}): Promise<void> {
    this.#following?.stop()
    const asked = toContext(context)
    if (!this.#ownOptions) void this.#client?.setContext(asked)
    const client = this.#ownOptions ? openClient({ ...this.#ownOptions, context: asked }) : this.#client
    if (client === null) return
    this.#client = client
    this.#following = followClient(client, (signal) => this.#tell(signal), this.#options)
    raise(await this.#following.outcome, client)
  }

  /** Waits for the flags of another context; rejects if there are none, and the default values are given meanwhile. */
  async onContextChange(_before: EvaluationContext, context: EvaluationContext): Promise<void> {
    // It could not be made: the options are wrong, or the context was.
    if (this.#client === null) return this.initialize(context)
    this.#following?.mute()
    await this.#client.setContext(toContext(context))
    const outcome = outcomeOf(this.#client.status())
    this.#following?.believe(outcome)
    raise(outcome, this.#client)
  }

  /** Closes the client if the provider made it; the last values go on being served. */
  async onClose(): Promise<void> {
    this.#following?.stop()
    if (this.#ownOptions) await this.#client?.close()
  }

  resolveBooleanEvaluation(flagKey: string, defaultValue: boolean): ResolutionDetails<boolean> {
    return this.#resolve(defaultValue, (client) => client.booleanDetails(flagKey, defaultValue))
  }

  resolveStringEvaluation(flagKey: string, defaultValue: string): ResolutionDetails<string> {
    return this.#resolve(defaultValue, (client) => client.stringDetails(flagKey, defaultValue))
  }

  resolveNumberEvaluation(flagKey: string, defaultValue: number): ResolutionDetails<number> {
    return this.#resolve(defaultValue, (client) => client.numberDetails(flagKey, defaultValue))
  }

  resolveObjectEvaluation<T extends JsonValue>(flagKey: string, defaultValue: T): ResolutionDetails<T> {
    const details = this.#resolve<Json>(defaultValue, (client) => client.jsonDetails(flagKey, defaultValue))
    return details as ResolutionDetails<T> // T is the caller's claim about the flag's JSON, which no provider can check
  }

  /** Counts that something happened, for metrics. */
  track(name: string, _context: EvaluationContext, { value }: TrackingEventDetails): void {
    this.#client?.track(name, value === undefined ? {} : { value })
  }

  #resolve<T>(defaultValue: T, evaluate: (client: WebClient) => EvaluationDetails<T>): ResolutionDetails<T> {
    return this.#client ? resolutionOf(evaluate(this.#client)) : notReady(defaultValue)
  }

  #tell(signal: Signal): void {
    switch (signal.kind) {
      case 'ready':
        return this.events.emit(ProviderEvents.Ready)
      case 'stale':
        return this.events.emit(ProviderEvents.Stale, { message: signal.message })
      case 'fatal':
        return this.events.emit(ProviderEvents.Error, {
          message: signal.message,
          errorCode: ErrorCode.PROVIDER_FATAL,
        })
      case 'changed':
        return this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged: [...signal.flags] })
      default:
        signal satisfies never
    }
  }
}

/** Rejects with what OpenFeature notes for an outcome. */
function raise(outcome: Outcome, client: WebClient): void {
  const { error } = client.status()
  if (outcome === 'fatal') throw new ProviderFatalError(error ?? 'the key was refused')
  if (outcome === 'late') throw new ProviderNotReadyError(error ?? 'no flags came in time')
}

function openClient(options: WebClientOptions): WebClient {
  try {
    return createWebClient(options)
  } catch (cause) {
    // OpenFeature asks for this error where trying again is of no use: these are wrong options.
    throw new ProviderFatalError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

function isClient(source: AnyWebClient | WebProviderClientOptions): source is AnyWebClient {
  return 'booleanDetails' in source
}

/** It is sent as JSON, in which a Date is its text, in lists as well. */
function toContext(context: EvaluationContext): HalyardContext {
  return context as HalyardContext
}
