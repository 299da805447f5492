/** What OpenFeature's suites ask of an implementation, for both kinds of SDK: real providers over real clients. */
import { readFileSync } from 'node:fs'
import type {
  EvaluationContext,
  EvaluationDetails,
  FlagValue,
  JsonValue,
  ProviderMetadata,
} from '@openfeature/core'
import type { FlagFile } from '@halyard/shared/flag-file/flag-file.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import type { Seed } from '../dev/seed.ts'
import { until } from './stack-kit.ts'

/** How the suites name the states of a provider. */
export type State = 'stable' | 'not ready' | 'error' | 'fatal' | 'stale'

/** What both SDKs call a hook, as far as the suites use it. */
export interface AnyHook {
  before?(hook: { readonly context: EvaluationContext }): EvaluationContext | void
  after?(hook: object, details: EvaluationDetails<FlagValue>): void
  error?(hook: object, error: unknown): void
  finally?(hook: object, details: EvaluationDetails<FlagValue>): void
}

export type EventName =
  | 'PROVIDER_READY'
  | 'PROVIDER_ERROR'
  | 'PROVIDER_STALE'
  | 'PROVIDER_CONFIGURATION_CHANGED'

export interface AnyEvent {
  readonly flagsChanged?: readonly string[]
  readonly message?: string
  readonly errorCode?: string
}

/** One client of OpenFeature with a provider of its own. */
export interface Domain {
  readonly status: () => string
  readonly metadata: () => ProviderMetadata
  readonly setContext: (level: Level, context: EvaluationContext) => Promise<void>
  readonly evaluate: (
    key: string,
    defaultValue: boolean | number | string | JsonValue,
    options?: { readonly hooks?: readonly AnyHook[] },
  ) => Promise<EvaluationDetails<FlagValue>>
  readonly addHooks: (...hooks: readonly AnyHook[]) => void
  readonly addHandler: (event: EventName, handler: (event: AnyEvent | undefined) => void) => void
  readonly track: (name: string, details?: { readonly value?: number }) => void
  /** The contexts that reached Halyard's client, the newest last. */
  readonly seen: readonly EvaluationContext[]
  /** The events that reached it. */
  readonly tracked: readonly { readonly name: string; readonly value?: number | undefined }[]
}

/** Where a context is given. The web SDK knows the first alone: its context is static. */
export type Level = 'API' | 'Transaction' | 'Client' | 'Invocation' | 'Before Hooks'

export interface Side {
  readonly kind: 'server' | 'web'
  readonly levels: readonly Level[]
  /** A domain whose provider is, or is becoming, that; `prepare` runs before the provider is set. */
  readonly enter: (state: State, prepare?: (domain: Domain) => void) => Promise<Domain>
  /** Closes the clients, and leaves the SDK as it was. */
  readonly leave: () => Promise<void>
}

/** Where the sides get their flags from. */
export interface Source {
  readonly edge: string
  readonly serverKey: string
  readonly clientKey: string
  /** Well formed, and known to nobody. */
  readonly strangeServerKey: string
  readonly strangeClientKey: string
}

/** A running Halyard. */
export interface Place {
  readonly urls: Readonly<Record<'control' | 'edge', string>>
  readonly seed: Seed
}

/** The flags of the suites, in our own form. */
export const suiteFlags: FlagFile = JSON.parse(
  readFileSync(new URL('./openfeature-flags.json', import.meta.url), 'utf8'),
) // our own file

/** Publishes the flags of the suites to production, and waits until the edge serves them. */
export async function publishSuiteFlags(place: Place): Promise<Source> {
  const flags = Object.entries(suiteFlags.flags).map(([key, { variants = {}, variant, ...flag }]) => {
    const { enabled, offVariant, rules, clientVisible } = flag
    const values = Object.entries(variants).map(([name, value]) => ({ key: name, value }))
    const state = { enabled, offVariant, rules: rules ?? [], fallthrough: { variant } }
    const valueType = typeof values[0]?.value === 'object' ? 'json' : typeof values[0]?.value
    return { key, valueType, variants: values, clientVisible, environments: { production: state } }
  })
  await post(place, 'flags/import', { flags })
  const { serverKey, clientKey } = place.seed.environments.production
  const [last = ''] = Object.keys(suiteFlags.flags).slice(-1)
  await until(
    async () => (await ask(place, serverKey, last)).status,
    (status) => status === 200,
  )
  return {
    edge: place.urls.edge,
    serverKey,
    clientKey,
    strangeServerKey: await makeKey('server', makeId('env'), 'another secret'),
    strangeClientKey: await makeKey('client', makeId('env'), 'another secret'),
  }
}

/** Switches the flag that the suites call the changing one. */
export async function changeFlag(place: Place): Promise<void> {
  await post(place, 'environments/production/flags/changing-flag/toggle', {})
}

function ask(place: Place, key: string, flag: string): Promise<Response> {
  return fetch(`${place.urls.edge}/ofrep/v1/evaluate/flags/${flag}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: '{"context":{}}',
  })
}

async function post({ urls, seed }: Place, path: string, body: object): Promise<void> {
  const response = await fetch(
    `${urls.control}/api/v1/orgs/${seed.organization}/projects/${seed.project}/${path}`,
    {
      method: 'POST',
      headers: { authorization: `Bearer ${seed.managementKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    },
  )
  if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`)
}
