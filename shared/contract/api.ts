import type * as z from 'zod'
import { accessEndpoints } from './access-endpoints.ts'
import { flagEndpoints } from './flag-endpoints.ts'
import { freezeEndpoints } from './freeze-endpoints.ts'
import { membersEndpoints } from './members-endpoints.ts'
import { operationEndpoints } from './operation-endpoints.ts'
import { metricEndpoints } from './metric-endpoints.ts'
import { layerEndpoints } from './layer-endpoints.ts'
import { placeEndpoints } from './place-endpoints.ts'
import { segmentEndpoints } from './segment-endpoints.ts'
import { versionEndpoints } from './version-endpoints.ts'
import { shortEndpoints } from './short-endpoints.ts'
import { usageEndpoints } from './usage-endpoints.ts'

/** The management API, by operation id. */
export const api = {
  ...placeEndpoints,
  ...freezeEndpoints,
  ...flagEndpoints,
  ...operationEndpoints,
  ...segmentEndpoints,
  ...membersEndpoints,
  ...layerEndpoints,
  ...accessEndpoints,
  ...versionEndpoints,
  ...shortEndpoints,
  ...usageEndpoints,
  ...metricEndpoints,
} as const

export type Api = typeof api
export type Operation = keyof Api

/** The typed input and result of an operation. */
export type BodyOf<E> = E extends { body: infer B extends z.ZodType } ? z.input<B> : undefined
export type ResultOf<E> = E extends { result: infer R extends z.ZodType } ? z.output<R> : never
