import type { ClientStatus, FlagChange, Logger, TrackingDetails } from '../client/flag-client.ts'
import type { AnyFlags, JsonKeysOf, JsonOf, KeysOf, TextOf } from '../client/flag-types.ts'
import type { EvaluationContext, EvaluationDetails, Json } from '../client/flags.ts'
import type { WebBootstrap } from '../client/web-bootstrap.ts'

export interface WebClientOptions {
  /** The origin of the edge, such as `https://flags.example.com`. */
  readonly edge: string
  /** A client key, `hyd_cli_…`: it is no secret. */
  readonly key: string
  /** Who the flags are evaluated for. */
  readonly context: EvaluationContext
  /**
   * What the server gave with the page, by `forBrowser` of its client: the first read gives these values. One for another
   * `targetingKey` is ignored.
   */
  readonly bootstrap?: WebBootstrap | undefined
  /** Where the last answers are kept: `localStorage` if left out, nowhere if null. */
  readonly storage?: WebStorage | null | undefined
  readonly logger?: Logger | undefined
}

/** What of the DOM's `Storage` is used. It may throw, as that does when it is full or forbidden. */
export interface WebStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

/** The answers of a client, by the keys of the flags. Each keeps its identity for as long as it stays the same. */
export type Answers = Readonly<Record<string, EvaluationDetails<Json>>>

/**
 * Flags for one context at a time, evaluated by the edge. No call throws or waits: what is missing, broken or of another
 * type gives the default value, and the details say why.
 */
export interface WebClient<F extends object = AnyFlags> {
  /** The version held, as a token `epoch.version`; null if there are no flags yet. */
  readonly version: string | null
  /** What was given with `bootstrap`; without one it is empty. It stays as it is: a page is hydrated with it. */
  readonly bootstrapped: Answers
  boolean(key: KeysOf<F, boolean>, defaultValue: boolean): boolean
  string<K extends KeysOf<F, string>>(key: K, defaultValue: TextOf<F, K>): TextOf<F, K>
  number(key: KeysOf<F, number>, defaultValue: number): number
  /** The value is frozen and shared: copy it before you change it. */
  json<K extends JsonKeysOf<F>, T extends Json>(key: K, defaultValue: JsonOf<F, K, T>): JsonOf<F, K, T>
  booleanDetails(key: KeysOf<F, boolean>, defaultValue: boolean): EvaluationDetails<boolean>
  stringDetails<K extends KeysOf<F, string>>(
    key: K,
    defaultValue: TextOf<F, K>,
  ): EvaluationDetails<TextOf<F, K>>
  numberDetails(key: KeysOf<F, number>, defaultValue: number): EvaluationDetails<number>
  jsonDetails<K extends JsonKeysOf<F>, T extends Json>(
    key: K,
    defaultValue: JsonOf<F, K, T>,
  ): EvaluationDetails<JsonOf<F, K, T>>
  /** Whether a boolean flag gives true; false for any other flag and on every error. */
  isEnabled(key: KeysOf<F, boolean>): boolean
  /** The key of the variant that the context gets; undefined on every error. */
  variant(key: keyof F & string): string | undefined
  /** Every flag, not counted as evaluated. Those in error are there with their code and a null value. */
  all(): Answers
  /**
   * Evaluates for another context. Resolves when its answers are there, the first try for them failed, or a later call
   * took its place; never rejects. Until then there are the answers last kept for the very same context, if any; else
   * those held, if `targetingKey` is the same; else none: nobody is shown another user's values. What is no context has
   * none either: the status says why.
   */
  setContext(context: EvaluationContext): Promise<void>
  /** Whether there are flags, waited for at most so long (5 s if left out). Never rejects: defaults are given meanwhile. */
  ready(options?: { readonly timeoutMs?: number | undefined }): Promise<boolean>
  /**
   * `live`: a stream is open. `polling`: none is, and what is held was confirmed within 90 s. `stale`: it was not, as on a
   * page that was out of sight for long. `offline`: nobody has confirmed what is held since the page was loaded or the context
   * changed, or the key was refused.
   */
  status(): ClientStatus
  /** Calls back until what it returns is called. A listener that throws is logged. */
  on(event: 'change', listener: (change: FlagChange) => void): () => void
  on(event: 'status', listener: (status: ClientStatus) => void): () => void
  /** Counts that something happened, for metrics. */
  track(name: string, details?: TrackingDetails): void
  /** Sends what was counted. Never rejects. */
  flush(): Promise<void>
  /** Sends what was counted, for at most a second, and lets go of connections and timers. What is held stays in use. */
  close(): Promise<void>
}
