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
} from '@openfeature/server-sdk'
import type { FlagClient } from '../client/flag-client.ts'
import type { EvaluationContext as HalyardContext, EvaluationDetails, Flags, Json } from '../client/flags.ts'
import { followClient, type Following, type Signal } from '../openfeature-web/follow-client.ts'
import { notReady, resolutionOf } from '../openfeature-web/resolution.ts'
import { createClient } from '../server/create-client.ts'
import type { ServerOptions } from '../server/server-options.ts'

/** A client of whatever type of flags. */
export interface AnyFlagClient extends Pick<FlagClient, 'ready' | 'status' | 'on' | 'track' | 'close'> {
  booleanDetails(key: never, defaultValue: boolean, context?: HalyardContext): EvaluationDetails<boolean>
}

export interface ProviderOptions {
  /** How long `initialize` waits for flags; 5,000 if left out. Whatever comes later is told as PROVIDER_READY. */
  readonly timeoutMs?: number | undefined
}

/**
 * Halyard for `@openfeature/server-sdk`. Give it the options of `createClient`, and it makes a client when it is
 * initialized and closes it with itself; or give it any client (server, local, testing), which stays yours to close.
 *
 * `initialize` fails with PROVIDER_FATAL if the options are wrong or the key is refused, and with PROVIDER_NOT_READY if
 * no flags came in time. The provider is STALE while the client holds flags that nobody confirms.
 */
export class HalyardProvider implements Provider {
  readonly runsOn = 'server'
  readonly metadata = { name: 'halyard' } as const
  readonly events = new OpenFeatureEventEmitter()
  /** Null: the client was given. */
  readonly #ownOptions: ServerOptions | null
  readonly #options: ProviderOptions
  #client: FlagClient | null
  #following: Following | null = null

  constructor(clientOrOptions: AnyFlagClient | ServerOptions, options: ProviderOptions = {}) {
    const isGiven = isClient(clientOrOptions)
    this.#ownOptions = isGiven ? null : clientOrOptions
    // It takes any text as a key, whatever its type knows of them.
    this.#client = isGiven ? (clientOrOptions as unknown as FlagClient) : null
    this.#options = options
  }

  /** Waits for flags. Rejects with OpenFeature's errors alone. */
  async initialize(): Promise<void> {
    this.#following?.stop()
    const client = this.#ownOptions ? openClient(this.#ownOptions) : this.#client
    if (client === null) return
    this.#client = client
    this.#following = followClient(client, (signal) => this.#tell(signal), this.#options)
    const outcome = await this.#following.outcome
    const { error } = client.status()
    if (outcome === 'fatal') throw new ProviderFatalError(error ?? 'the key was refused')
    if (outcome === 'late') throw new ProviderNotReadyError(error ?? 'no flags came in time')
  }

  /** Closes the client if the provider made it; the last values go on being served. */
  async onClose(): Promise<void> {
    this.#following?.stop()
    if (this.#ownOptions) await this.#client?.close()
  }

  resolveBooleanEvaluation(
    flagKey: string,
    defaultValue: boolean,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<boolean>> {
    return this.#resolve(defaultValue, (flags) =>
      flags.booleanDetails(flagKey, defaultValue, toContext(context)),
    )
  }

  resolveStringEvaluation(
    flagKey: string,
    defaultValue: string,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<string>> {
    return this.#resolve(defaultValue, (flags) =>
      flags.stringDetails(flagKey, defaultValue, toContext(context)),
    )
  }

  resolveNumberEvaluation(
    flagKey: string,
    defaultValue: number,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<number>> {
    return this.#resolve(defaultValue, (flags) =>
      flags.numberDetails(flagKey, defaultValue, toContext(context)),
    )
  }

  resolveObjectEvaluation<T extends JsonValue>(
    flagKey: string,
    defaultValue: T,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<T>> {
    return this.#resolve<Json>(defaultValue, (flags) =>
      flags.jsonDetails(flagKey, defaultValue, toContext(context)),
    ) as Promise<ResolutionDetails<T>> // T is the caller's claim about the flag's JSON, which no provider can check
  }

  /** Counts that something happened, for metrics. */
  track(name: string, context: EvaluationContext, { value }: TrackingEventDetails): void {
    this.#client?.track(name, toContext(context), value === undefined ? {} : { value })
  }

  #resolve<T>(
    defaultValue: T,
    evaluate: (flags: Flags) => EvaluationDetails<T>,
  ): Promise<ResolutionDetails<T>> {
    return Promise.resolve(this.#client ? resolutionOf(evaluate(this.#client)) : notReady(defaultValue))
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

function openClient(options: ServerOptions): FlagClient {
  try {
    return createClient(options)
  } catch (cause) {
    // OpenFeature asks for this error where trying again is of no use: these are wrong options.
    throw new ProviderFatalError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

function isClient(source: AnyFlagClient | ServerOptions): source is AnyFlagClient {
  return 'booleanDetails' in source
}

/** The engine reads a Date as its text; only in lists, which it compares by their scalars, do the types differ. */
function toContext(context: EvaluationContext): HalyardContext {
  return context as HalyardContext
}
