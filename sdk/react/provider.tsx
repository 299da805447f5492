import { Suspense, useEffect, useLayoutEffect, useMemo, useState, type ReactNode } from 'react'
import type { AnyFlags } from '../client/flag-types.ts'
import { makeWebClient } from '../web/make-web-client.ts'
import type { WebClient, WebClientOptions } from '../web/web-client.ts'
import { HalyardContext } from './halyard-context.ts'

interface SharedProps {
  readonly children?: ReactNode | undefined
  /**
   * Shown until there are flags, for at most 5 s: components that read flags wait (Suspense). Left out, they render with
   * their defaults and once more when the flags are there.
   */
  readonly fallback?: ReactNode | undefined
}

/** A client of your own, or the options for one that lives as long as the provider. */
export type HalyardProviderProps<F extends object = AnyFlags> = SharedProps &
  (
    | { readonly client: WebClient<F>; readonly options?: undefined }
    | { readonly options: WebClientOptions; readonly client?: undefined }
  )

/**
 * Gives flags to the hooks below it. With `options` it makes a client, which asks for nothing while rendering: on a
 * server it gives the values of `options.bootstrap`. Another `options.context` is another context of the same client.
 * Throws a TypeError if an option is wrong.
 */
export function HalyardProvider<F extends object = AnyFlags>(props: HalyardProviderProps<F>): ReactNode {
  const { client, options, ...shared } = props
  if (client) return <Provide client={client as unknown as WebClient} {...shared} /> // the hooks narrow it again
  return <Own key={`${options.edge} ${options.key}`} options={options} {...shared} />
}

function Own({ options, ...shared }: SharedProps & { readonly options: WebClientOptions }): ReactNode {
  const [{ client, start }] = useState(() => makeWebClient(options))
  const { context } = options
  const user = context?.['targetingKey'] // what is no context at all is the client's to log
  const [heldUser, setHeldUser] = useState(user)
  // Before the browser paints: until then what is rendered for the next user has defaults.
  useEffectBeforePaint(() => {
    void client.setContext(context)
    setHeldUser(user)
  }, [client, context, user])
  useEffect(() => start(), [start])
  return <Provide client={client} isOtherUser={user !== heldUser} {...shared} />
}

interface ProvideProps extends SharedProps {
  readonly client: WebClient
  readonly isOtherUser?: boolean
}

function Provide({ client, isOtherUser = false, fallback, children }: ProvideProps): ReactNode {
  const suspends = fallback !== undefined
  const value = useMemo(() => ({ client, suspends, isOtherUser }), [client, suspends, isOtherUser])
  return (
    <HalyardContext.Provider value={value}>
      {suspends ? <Suspense fallback={fallback}>{children}</Suspense> : children}
    </HalyardContext.Provider>
  )
}

/** On a server React 18 warns of layout effects, which do not run there. */
const useEffectBeforePaint = 'document' in globalThis ? useLayoutEffect : useEffect
