import { checkNames } from '../client/check-options.ts'
import { checkServerOptions, type ServerOptions, type ServerSettings } from '../server/server-options.ts'

export type WorkersOptions = Pick<ServerOptions, 'edge' | 'key' | 'trustedKeys' | 'logger'>

/** Throws a TypeError that says what is wrong with the options. */
export function checkWorkersOptions(options: WorkersOptions): ServerSettings {
  checkNames('createClient', options, ['edge', 'key', 'trustedKeys', 'logger'])
  return checkServerOptions(options)
}
