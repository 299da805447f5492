import type { AnyFlags } from '../client/flag-types.ts'
import { makeWebClient } from './make-web-client.ts'
import type { WebClient, WebClientOptions } from './web-client.ts'

/**
 * Makes a client for a browser: it asks the edge for the answers of its context, and follows their changes until it is
 * closed. Throws a TypeError if an option is wrong; nothing throws afterwards.
 */
export function createWebClient<F extends object = AnyFlags>(options: WebClientOptions): WebClient<F> {
  const { start, client } = makeWebClient<F>(options)
  start()
  return client
}
