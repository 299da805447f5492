import { makeApiClient, type ApiClient } from './api-client.ts'
import type { Settings } from './settings.ts'

export interface Project {
  readonly org: string
  readonly project: string
}

export interface Place extends Project {
  readonly environment: string
}

export function clientOf(settings: Settings): ApiClient {
  return makeApiClient({ url: settings.need('api'), token: settings.need('token') })
}

export function projectOf(settings: Settings): Project {
  return { org: settings.need('org'), project: settings.need('project') }
}

export function placeOf(settings: Settings): Place {
  return { ...projectOf(settings), environment: settings.need('env') }
}
