import * as z from 'zod'
import { FlagKey, MetricName } from './key.ts'
import { limits } from './limits.ts'
import { VersionToken, type Role } from './resources.ts'

/** What one address of the management API takes and gives: the routes, the OpenAPI document and the CLI read this. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** Under `/api/v1`. Parameters as `:name`; each name has its schema in `pathParameters`. */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly role: Role
  /** What it changes reaches this far: a token that is bound to less may not use it. */
  readonly reach?: 'organization' | 'project'
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  /** In place of `body`: the media types of which it takes the bytes as they are. */
  readonly bytes?: readonly [string, ...string[]]
  readonly result: z.ZodType
  readonly status?: 200 | 201
  /** Whether the answer carries an ETag; for PATCH, whether If-Match is required. */
  readonly etag?: true
  /** A PATCH that says all it means, whatever it meets: it needs no If-Match, but heeds one. */
  readonly isWhole?: true
}

const keyOrId = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'a key or an id')

export const pathParameters = {
  org: keyOrId,
  project: keyOrId,
  environment: keyOrId,
  key: FlagKey,
  name: MetricName,
  id: z.string().regex(/^[a-z]{3}_[0-9a-z]{26}$/, 'an id'),
  version: VersionToken,
} as const

export type PathParameter = keyof typeof pathParameters

/** The names of the parameters of a path, as a type. */
export type ParametersOf<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParametersOf<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

/** Keeps the literal types of an endpoint. */
export function endpoint<const E extends Endpoint>(definition: E): E {
  return definition
}

export const PageQuery = z.strictObject({
  cursor: z.string().max(200).optional().meta({ description: '`nextCursor` of the page before' }),
  limit: z.coerce.number().int().min(1).max(limits.pageSize).default(50),
})

/** A page of a list; `nextCursor` is null on the last one. */
export function page<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() })
}
