import type { AnyFlags } from '../client/flag-types.ts'
import { makeEndingFetch } from '../transport/ending-fetch.ts'
import { makeServerClient } from './make-server-client.ts'
import type { ServerClient } from './server-client.ts'
import { checkServerOptions, type ServerOptions } from './server-options.ts'
import { makeServerPorts } from './server-ports.ts'

/**
 * Makes a client that holds all flags of its environment, follows their changes, and evaluates in this process. `F` is
 * the type that `halyard codegen` writes. Throws a TypeError if an option is wrong; nothing that happens later throws
 * or rejects.
 */
export function createClient<F extends object = AnyFlags>(options: ServerOptions): ServerClient<F> {
  const settings = checkServerOptions(options)
  const { send, end } = makeEndingFetch()
  const ports = makeServerPorts(settings.edge, settings.key, send)
  return makeServerClient<F>(settings, { ...ports, endRequests: end })
}
