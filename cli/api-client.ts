import type * as z from 'zod'
import { api, type Api, type BodyOf, type Operation, type ResultOf } from '@halyard/shared/contract/api.ts'
import { pathParameters, type Endpoint, type ParametersOf } from '@halyard/shared/contract/endpoint.ts'
import { Problem } from '@halyard/shared/contract/problems.ts'
import { CommandError, exitCodes, usageError } from './command-error.ts'
import { send, type Message, type Pause } from './send.ts'

type QueryOf<E> = E extends { query: infer Q extends z.ZodType } ? z.input<Q> : undefined
type Params<E extends Endpoint> = Readonly<Record<ParametersOf<E['path']>, string>>

/** What a call of an operation takes. With an `idempotencyKey` a write may be repeated until it got through. */
export type Input<E extends Endpoint> = ([ParametersOf<E['path']>] extends [never]
  ? { readonly params?: undefined }
  : { readonly params: Params<E> }) &
  (undefined extends BodyOf<E> ? { readonly body?: undefined } : { readonly body: BodyOf<E> }) & {
    readonly query?: QueryOf<E>
    readonly ifMatch?: string
    readonly idempotencyKey?: string
    /** For an operation that takes a file as it is. */
    readonly bytes?: Bytes
  }

interface Bytes {
  readonly mediaType: string
  readonly data: Uint8Array<ArrayBuffer>
}

export interface Tagged<Result> {
  readonly result: Result
  /** For `ifMatch` of a later write; null where the API gives none. */
  readonly etag: string | null
}

export interface ApiClient {
  /** Throws a CommandError with what the API, or the network, has to say. */
  readonly call: <O extends Operation>(operation: O, input: Input<Api[O]>) => Promise<ResultOf<Api[O]>>
  /** As `call`, with the entity tag of the answer. */
  readonly exchange: <O extends Operation>(
    operation: O,
    input: Input<Api[O]>,
  ) => Promise<Tagged<ResultOf<Api[O]>>>
}

/** A client of the management API, made from its contract. */
export function makeApiClient({
  url,
  token,
  pause,
}: {
  url: string
  token: string
  pause?: Pause
}): ApiClient {
  const exchange: ApiClient['exchange'] = async (operation, input) => {
    const endpoint: Endpoint = api[operation]
    const response = await send(messageOf(endpoint, { url, token }, input), pause)
    const answer: unknown = await response.json().catch(() => undefined) // a proxy's page, which is told by its status
    if (!response.ok) throw failureOf(response.status, answer)
    const parsed = endpoint.result.safeParse(answer)
    if (parsed.success) {
      const result = parsed.data as ResultOf<Api[typeof operation]> // the schema of this very operation
      return { result, etag: response.headers.get('etag') }
    }
    const { path = [], message: detail = '' } = parsed.error.issues[0] ?? {}
    throw new CommandError(exitCodes.failed, 'the API answered in a form that this version does not know', [
      `/${path.join('/')}: ${detail}`,
    ])
  }
  return { exchange, call: async (operation, input) => (await exchange(operation, input)).result }
}

interface Given {
  readonly params?: Readonly<Record<string, string>> | undefined
  readonly query?: Readonly<Record<string, unknown>> | undefined
  readonly body?: unknown
  readonly bytes?: Bytes
  readonly ifMatch?: string
  readonly idempotencyKey?: string
}

function messageOf(endpoint: Endpoint, server: { url: string; token: string }, given: Given): Message {
  const { params, query, body, bytes, ifMatch, idempotencyKey } = given
  const { mediaType, data } =
    bytes ?? (body === undefined ? {} : { mediaType: 'application/json', data: JSON.stringify(body) })
  return {
    method: endpoint.method,
    url: `${server.url}/api/v1${fill(endpoint.path, params ?? {})}${formatQuery(query)}`,
    headers: {
      authorization: `Bearer ${server.token}`,
      ...(mediaType !== undefined && { 'content-type': mediaType }),
      ...(ifMatch !== undefined && { 'if-match': ifMatch }),
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    },
    ...(data !== undefined && { body: data }),
    isRepeatable: endpoint.method === 'GET' || idempotencyKey !== undefined,
  }
}

/** Checked as well as escaped: no escape keeps `..` from being a step up. */
function fill(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_, name: keyof typeof pathParameters) => {
    const value = params[name] ?? ''
    const { error } = pathParameters[name].safeParse(value)
    if (error) throw usageError(`"${value}" cannot be a ${name}: ${error.issues[0]?.message ?? ''}`)
    return encodeURIComponent(value)
  })
}

function formatQuery(query: Readonly<Record<string, unknown>> = {}): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value))
  return given.size === 0 ? '' : `?${given}`
}

function failureOf(status: number, answer: unknown): CommandError {
  const { data: problem } = Problem.safeParse(answer)
  if (!problem)
    return new CommandError(exitCodes.failed, `the API answered ${status}, and not with a problem`)
  const { detail, errors = [] } = problem
  const isRepeated = errors.some((field) => field.detail === detail)
  const lines = [
    ...(detail === undefined || isRepeated ? [] : [detail]),
    ...errors.map((field) => `${field.pointer || 'the body'}: ${field.detail}`),
    `request ${problem.requestId}`,
  ]
  return new CommandError(exitCodes.failed, `${problem.title} (${problem.code})`, lines, problem.code)
}
