import { makeApiClient, type ApiClient } from './api-client.ts'
import { isLoopback } from './local-stack.ts'
import { printWarning } from './output.ts'
import type { Settings } from './settings.ts'

export interface Project {
  readonly org: string
  readonly project: string
}

export interface Place extends Project {
  readonly environment: string
}

export function clientOf(settings: Settings): ApiClient {
  const [url, token] = [settings.need('api'), settings.need('token')]
  warnIfPlain(url)
  return makeApiClient({ url, token })
}

/** A token that leaves this machine unencrypted is worth a word. */
export function warnIfPlain(api: string): void {
  const { protocol, origin } = new URL(api)
  if (protocol === 'http:' && !isLoopback(api))
    printWarning(`warning: ${origin} is not encrypted: whoever is on the way can read the token`)
}

export function projectOf(settings: Settings): Project {
  return { org: settings.need('org'), project: settings.need('project') }
}

export function placeOf(settings: Settings): Place {
  return { ...projectOf(settings), environment: settings.need('env') }
}
