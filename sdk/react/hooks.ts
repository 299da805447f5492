import { useCallback, useContext, useEffect, useSyncExternalStore } from 'react'
import type { ClientState } from '../client/flag-client.ts'
import type { AnyFlags } from '../client/flag-types.ts'
import type { EvaluationDetails, Json } from '../client/flags.ts'
import { none, pickAnswer, readDetails } from '../web/make-calls.ts'
import type { Answers, WebClient } from '../web/web-client.ts'
import { HalyardContext, type HalyardValue } from './halyard-context.ts'
import { waitForFlags } from './wait-for-flags.ts'

/** What a flag may be given as its default: a value of its type, or any JSON if that is not known. */
export type DefaultOf<F extends object, K extends keyof F> = [F[K]] extends [never] ? Json : F[K]

/** What a flag gives: its type, or that of the default value. */
export type ValueOf<F extends object, K extends keyof F, D> = [F[K]] extends [never] ? Widened<D> : F[K]

type Widened<D> = D extends null
  ? Json
  : D extends boolean
    ? boolean
    : D extends number
      ? number
      : D extends string
        ? string
        : D extends readonly never[]
          ? readonly Json[]
          : D

export interface Hooks<F extends object> {
  /** The flag's value, of the type of `defaultValue`. A component renders again only when that changes. */
  readonly useFlag: <K extends keyof F & string, D extends DefaultOf<F, K>>(
    key: K,
    defaultValue: D,
  ) => ValueOf<F, K, D>
  /** The same, with variant and reason, or what went wrong. */
  readonly useFlagDetails: <K extends keyof F & string, D extends DefaultOf<F, K>>(
    key: K,
    defaultValue: D,
  ) => EvaluationDetails<ValueOf<F, K, D>>
  /** The client of the provider, for `setContext`, `track` and what else it does. */
  readonly useClient: () => WebClient<F>
  /** The state of the client, as in its `status()`. */
  readonly useStatus: () => ClientState
}

/** The hooks with the keys and types that `halyard codegen` wrote: `createHooks<FlagTypes>()`. */
export function createHooks<F extends object = AnyFlags>(): Hooks<F> {
  // F narrows the keys and values, at compile time alone
  return {
    useFlag: useValue,
    useFlagDetails: useDetails,
    useClient: useGivenClient,
    useStatus: useClientState,
  } as unknown as Hooks<F>
}

export const { useFlag, useFlagDetails, useClient, useStatus } = /* @__PURE__ */ createHooks()

function useValue(key: string, defaultValue: Json): Json {
  const value = useAnswer(key, (answer) => {
    const { value, errorCode } = readDetails(answer, key, defaultValue)
    return errorCode ? undefined : value
  })
  return value === undefined ? defaultValue : value
}

function useDetails(key: string, defaultValue: Json): EvaluationDetails<Json> {
  return readDetails(
    useAnswer(key, (answer) => answer),
    key,
    defaultValue,
  )
}

type Answer = ReturnType<typeof pickAnswer>

/** What is picked must keep its identity for as long as the answer stays the same. */
function useAnswer<T>(key: string, pick: (answer: Answer) => T): T {
  const { client, suspends, isOtherUser } = useHalyard()
  if (suspends) waitForFlags(client)
  const subscribe = useCallback((listener: () => void) => client.on('change', listener), [client])
  const read = (answers: Answers) => pick(isOtherUser ? null : pickAnswer(answers, key))
  const picked = useSyncExternalStore(
    subscribe,
    () => read(client.all()),
    () => read(client.bootstrapped),
  )
  // Rendering asks for an answer again and again: it counts where it is put to use, and when it changes.
  useEffect(() => void client.variant(key), [client, key, picked])
  return picked
}

function useGivenClient(): WebClient {
  return useHalyard().client
}

function useClientState(): ClientState {
  const { client } = useHalyard()
  const subscribe = useCallback((listener: () => void) => client.on('status', listener), [client])
  return useSyncExternalStore(
    subscribe,
    () => client.status().state,
    // As a client is before it was started.
    () => (client.bootstrapped === none ? 'starting' : 'offline'),
  )
}

function useHalyard(): HalyardValue {
  const value = useContext(HalyardContext)
  if (!value) throw new Error('flags are read outside of a <HalyardProvider>: put one above this component')
  return value
}
