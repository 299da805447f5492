import {
  OpenFeature,
  type Client,
  type EvaluationContext,
  type Hook,
  type Provider,
} from '@openfeature/web-sdk'
import { HalyardWebProvider } from '@halyard/sdk/openfeature-web/index.ts'
import { createWebClient, type WebBootstrap, type WebClient } from '@halyard/sdk/web/index.ts'
import type { AnyHook, Domain, Side, Source, State } from './openfeature-kit.ts'
import { startSilentEdge } from './silent-edge.ts'

/** `@openfeature/web-sdk` with `HalyardWebProvider` over web clients of the edge. */
export async function makeWebSide(source: Source): Promise<Side> {
  const silent = await startSilentEdge()
  const clients: WebClient[] = []
  let count = 0
  return {
    kind: 'web',
    levels: ['API'],
    enter: async (state, prepare) => {
      await OpenFeature.clearProviders()
      await OpenFeature.clearContexts()
      await Promise.all(clients.splice(0).map((client) => client.close()))
      const domain = `web-${(count += 1)}`
      const records = { seen: [], tracked: [] }
      const entered = makeDomain(domain, records)
      prepare?.(entered)
      const client = state === 'stable' ? openClient(source) : null
      if (client) clients.push(client)
      const from = { ...source, edge: state === 'fatal' ? source.edge : silent.origin }
      const provider = client
        ? new HalyardWebProvider(record(client, records))
        : makeProvider(state as Exclude<State, 'stable'>, from) // a stable one has a client
      await setProvider(state, domain, provider)
      return entered
    },
    leave: async () => {
      await OpenFeature.clearProviders()
      await OpenFeature.clearContexts()
      OpenFeature.clearHooks()
      await Promise.all(clients.splice(0).map((client) => client.close()))
      silent.close()
    },
  }
}

function openClient({ edge, clientKey: key }: Source): WebClient {
  return createWebClient({ edge, key, context: {}, storage: null })
}

function makeProvider(state: Exclude<State, 'stable'>, source: Source): HalyardWebProvider {
  const { edge, clientKey: key } = source
  const storage = null
  if (state === 'fatal') return new HalyardWebProvider({ edge, key: source.strangeClientKey, storage })
  if (state === 'error') return new HalyardWebProvider({ edge, key, storage }, { timeoutMs: 50 })
  if (state === 'not ready') return new HalyardWebProvider({ edge, key, storage })
  const bootstrap: WebBootstrap = {
    version: null,
    flags: { 'boolean-flag': { value: true, variant: 'on', reason: 'STATIC' } },
  }
  return new HalyardWebProvider({ edge, key, storage, bootstrap })
}

/** Waits until the provider is what it is to be. */
async function setProvider(state: State, domain: string, provider: Provider): Promise<void> {
  const became = new Promise<void>(
    (resolve) => OpenFeature.getClient(domain).addHandler('PROVIDER_STALE' as never, () => resolve()), // its enum is this text
  )
  const isSet = OpenFeature.setProviderAndWait(domain, provider).catch(() => undefined)
  if (state !== 'not ready') await isSet
  if (state === 'stale') await became
}

interface Records {
  readonly seen: EvaluationContext[]
  readonly tracked: { readonly name: string; readonly value?: number | undefined }[]
}

/** The client itself, and a note of what is asked of it. */
function record(client: WebClient, { seen, tracked }: Records): WebClient {
  return Object.assign(Object.create(client), {
    setContext: (context: Parameters<WebClient['setContext']>[0]) => {
      seen.push(context as EvaluationContext) // JSON, which this SDK's contexts may be
      return client.setContext(context)
    },
    track: (name: string, details?: { readonly value?: number }) => {
      tracked.push({ name, value: details?.value })
      client.track(name, details)
    },
  })
}

function makeDomain(domain: string, records: Records): Domain {
  const client = OpenFeature.getClient(domain)
  return {
    ...records,
    status: () => client.providerStatus,
    metadata: () => client.metadata.providerMetadata,
    setContext: async (level, context) => {
      if (level !== 'API') throw new Error(`the web SDK has no context at the level ${level}`)
      await OpenFeature.setContext({ ...OpenFeature.getContext(), ...context })
    },
    evaluate: async (key, defaultValue, options) => evaluate(client, key, defaultValue, options?.hooks),
    addHooks: (...hooks) => client.addHooks(...hooks.map(toHook)),
    addHandler: (event, handler) => client.addHandler(event as never, handler), // its enum is these texts
    track: (name, details) => client.track(name, details),
  }
}

function evaluate(
  client: Client,
  key: string,
  defaultValue: Parameters<Domain['evaluate']>[1],
  hooks: readonly AnyHook[] | undefined,
) {
  const options = hooks ? { hooks: hooks.map(toHook) } : {}
  if (typeof defaultValue === 'boolean') return client.getBooleanDetails(key, defaultValue, options)
  if (typeof defaultValue === 'string') return client.getStringDetails(key, defaultValue, options)
  if (typeof defaultValue === 'number') return client.getNumberDetails(key, defaultValue, options)
  return client.getObjectDetails(key, defaultValue, options)
}

function toHook(hook: AnyHook): Hook {
  return hook as Hook // it has a part of what a hook of this SDK may have
}
