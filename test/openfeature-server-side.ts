import {
  AsyncLocalStorageTransactionContextPropagator,
  OpenFeature,
  type Client,
  type EvaluationContext,
  type Hook,
  type Provider,
} from '@openfeature/server-sdk'
import type { FlagClient } from '@halyard/sdk/client/flag-client.ts'
import { HalyardProvider } from '@halyard/sdk/openfeature-server/index.ts'
import { createClient, type ServerClient } from '@halyard/sdk/server/index.ts'
import type { AnyHook, Domain, Level, Side, Source, State } from './openfeature-kit.ts'
import { startSilentEdge } from './silent-edge.ts'

/** `@openfeature/server-sdk` with `HalyardProvider`, over `client` or, without one, over a server client of the edge. */
export async function makeServerSide(source: Source, client?: FlagClient): Promise<Side> {
  const silent = await startSilentEdge()
  const server = createClient({ edge: source.edge, key: source.serverKey })
  await server.ready({ timeoutMs: 30_000 })
  OpenFeature.setTransactionContextPropagator(new AsyncLocalStorageTransactionContextPropagator())
  let count = 0
  return {
    kind: 'server',
    levels: ['API', 'Transaction', 'Client', 'Invocation', 'Before Hooks'],
    enter: async (state, prepare) => {
      OpenFeature.setContext({})
      const domain = `server-${(count += 1)}`
      const records = { seen: [], tracked: [] }
      const entered = makeDomain(domain, records)
      prepare?.(entered)
      const from = { ...source, edge: state === 'fatal' ? source.edge : silent.origin }
      const provider =
        state === 'stable'
          ? new HalyardProvider(record(client ?? server, records))
          : makeProvider(state, from, server)
      await setProvider(state, domain, provider)
      return entered
    },
    leave: async () => {
      await OpenFeature.clearProviders()
      OpenFeature.setContext({}).clearHooks()
      await server.close()
      silent.close()
    },
  }
}

function makeProvider(state: Exclude<State, 'stable'>, source: Source, held: ServerClient): HalyardProvider {
  const { edge, serverKey: key } = source
  if (state === 'fatal') return new HalyardProvider({ edge, key: source.strangeServerKey })
  if (state === 'error') return new HalyardProvider({ edge, key }, { timeoutMs: 50 })
  if (state === 'not ready') return new HalyardProvider({ edge, key })
  const bootstrap = held.export()
  if (bootstrap === null) throw new Error('the client that the others start from holds nothing')
  return new HalyardProvider({ edge, key, bootstrap })
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
function record(client: FlagClient, { seen, tracked }: Records): FlagClient {
  type Details = (key: string, defaultValue: unknown, context: EvaluationContext) => unknown
  const note = (details: unknown) => (key: string, defaultValue: unknown, context: EvaluationContext) => {
    seen.push(context)
    return (details as Details)(key, defaultValue, context) // one of the four, which take these
  }
  return Object.assign(Object.create(client), {
    booleanDetails: note(client.booleanDetails),
    stringDetails: note(client.stringDetails),
    numberDetails: note(client.numberDetails),
    jsonDetails: note(client.jsonDetails),
    track: (...[name, context, details]: Parameters<FlagClient['track']>) => {
      tracked.push({ name, value: details?.value })
      client.track(name, context, details)
    },
  })
}

function makeDomain(domain: string, records: Records): Domain {
  const client = OpenFeature.getClient(domain)
  const contexts: Partial<Record<Level, EvaluationContext>> = {}
  return {
    ...records,
    status: () => client.providerStatus,
    metadata: () => client.metadata.providerMetadata,
    setContext: async (level, context) => {
      contexts[level] = { ...contexts[level], ...context }
      if (level === 'API') OpenFeature.setContext(contexts.API ?? {})
      if (level === 'Client') client.setContext(contexts.Client ?? {})
      if (level === 'Before Hooks') client.addHooks({ before: () => context })
    },
    evaluate: (key, defaultValue, options) =>
      new Promise((resolve, reject) =>
        OpenFeature.setTransactionContext(contexts.Transaction ?? {}, () =>
          evaluate(client, { key, defaultValue, context: contexts.Invocation, hooks: options?.hooks }).then(
            resolve,
            reject,
          ),
        ),
      ),
    addHooks: (...hooks) => client.addHooks(...hooks.map(toHook)),
    addHandler: (event, handler) => client.addHandler(event as never, handler), // its enum is these texts
    track: (name, details) => client.track(name, contexts.Invocation, details),
  }
}

interface Asked {
  readonly key: string
  readonly defaultValue: Parameters<Domain['evaluate']>[1]
  readonly context: EvaluationContext | undefined
  readonly hooks: readonly AnyHook[] | undefined
}

function evaluate(client: Client, { key, defaultValue, context, hooks }: Asked) {
  const options = hooks ? { hooks: hooks.map(toHook) } : {}
  if (typeof defaultValue === 'boolean') return client.getBooleanDetails(key, defaultValue, context, options)
  if (typeof defaultValue === 'string') return client.getStringDetails(key, defaultValue, context, options)
  if (typeof defaultValue === 'number') return client.getNumberDetails(key, defaultValue, context, options)
  return client.getObjectDetails(key, defaultValue, context, options)
}

function toHook(hook: AnyHook): Hook {
  return hook as Hook // it has a part of what a hook of this SDK may have
}
