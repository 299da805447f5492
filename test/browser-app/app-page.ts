/** What the page of the web client offers to the tests that drive it. */
import type { ClientStatus, FlagChange } from '@halyard/sdk/client/flag-client.ts'
import type { EvaluationDetails, Json } from '@halyard/sdk/client/flags.ts'
import type { WebBootstrap, WebFlag } from '@halyard/sdk/client/web-bootstrap.ts'

/** As those of the client, in types that are not recursive: Playwright's would unfold them for ever. */
export interface StartOptions {
  readonly edge: string
  readonly key: string
  readonly context: Context
  readonly bootstrap?: Bootstrap
}

export type Context = Readonly<Record<string, string>>

export interface Bootstrap extends Pick<WebBootstrap, 'version'> {
  readonly targetingKey?: string | undefined
  readonly flags: Readonly<Record<string, Flag>>
}

export interface Flag extends Omit<WebFlag, 'value'> {
  readonly value: boolean | string
}

export interface MountOptions {
  readonly isStrict?: boolean
  /** Whether components wait for flags. */
  readonly suspends?: boolean
}

/** What a component rendered: for whom, and what it was given. */
export type Rendered = readonly [user: string, shipping: boolean]

export interface AppPage {
  /** Makes a client, and says what it gives in that very moment. */
  open(options: StartOptions, flag: string): EvaluationDetails<boolean>
  /** Makes one that cannot have a stream. */
  openWithoutStreams(options: StartOptions): void
  read(flag: string): EvaluationDetails<boolean>
  all(): Readonly<Record<string, EvaluationDetails<Json>>>
  status(): ClientStatus
  changes(): readonly FlagChange[]
  /** Changes the context, and says what is given in that very moment; what is waited for goes on. */
  move(context: Context, flag: string): EvaluationDetails<boolean>
  moveAndWait(context: Context): Promise<void>
  track(name: string, value: number): void
  mount(options: StartOptions, how: MountOptions): void
  /** Takes over what the server rendered, and keeps what was to be seen. */
  hydrate(options: StartOptions): void
  renderFor(context: Context): void
  unmount(): void
  /** How often each component rendered. */
  renders(): Readonly<Record<string, number>>
  /** All texts that elements had since then, by their ids. */
  seen(): Readonly<Record<string, readonly string[]>>
  rendered(): readonly Rendered[]
}
