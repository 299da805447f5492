import type * as z from 'zod'
import { api, type Api, type BodyOf, type Operation, type ResultOf } from '@halyard/shared/contract/api.ts'
import { pathParameters, type Endpoint, type ParametersOf } from '@halyard/shared/contract/endpoint.ts'
import { Problem } from '@halyard/shared/contract/problems.ts'
import { CommandError, exitCodes, usageError } from './command-error.ts'
import { send, type Pause } from './send.ts'

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
  }

export interface ApiClient {
  /** Throws a CommandError with what the API, or the network, has to say. */
  readonly call: <O extends Operation>(operation: O, input: Input<Api[O]>) => Promise<ResultOf<Api[O]>>
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
  return {
    call: async (operation, input) => {
      const endpoint: Endpoint = api[operation]
      const { params, query, body, ifMatch, idempotencyKey } = input
      const message = {
        method: endpoint.method,
        url: `${url}/api/v1${fill(endpoint.path, params ?? {})}${formatQuery(query)}`,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(ifMatch !== undefined && { 'if-match': ifMatch }),
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        isRepeatable: endpoint.method === 'GET' || idempotencyKey !== undefined,
      }
      const response = await send(message, pause)
      const answer: unknown = await response.json().catch(() => undefined) // a proxy's page, which is told by its status
      if (!response.ok) throw failureOf(response.status, answer)
      const result = endpoint.result.safeParse(answer)
      if (result.success) return result.data as ResultOf<Api[typeof operation]> // the schema of this very operation
      const { path = [], message: detail = '' } = result.error.issues[0] ?? {}
      throw new CommandError(exitCodes.failed, 'the API answered in a form that this version does not know', [
        `/${path.join('/')}: ${detail}`,
      ])
    },
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
  const fields = problem.errors?.map(({ pointer, detail }) => `${pointer || 'the body'}: ${detail}`) ?? []
  return new CommandError(exitCodes.failed, `${problem.title} (${problem.code})`, [
    ...(problem.detail === undefined ? [] : [problem.detail]),
    ...fields,
    `request ${problem.requestId}`,
  ])
}
