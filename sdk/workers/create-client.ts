import { waitUntil } from 'cloudflare:workers'
import type { AnyFlags } from '../client/flag-types.ts'
import { makeServerPorts } from '../server/server-ports.ts'
import { openCopyCache } from './copy-cache.ts'
import { makeWorkersClient, type WorkersClient } from './make-workers-client.ts'
import { checkWorkersOptions, type WorkersOptions } from './workers-options.ts'

/**
 * Makes a client for the global scope of a Worker: all requests of an isolate share its copy of the flags. Nothing is
 * fetched until a request calls `ready` or `snapshot`. Throws a TypeError if an option is wrong; nothing later does.
 */
export function createClient<F extends object = AnyFlags>(options: WorkersOptions): WorkersClient<F> {
  const settings = checkWorkersOptions(options)
  const ports = makeServerPorts(settings.edge, settings.key)
  return makeWorkersClient<F>(settings, { ...ports, waitUntil, ...openCopyCache(settings) })
}
