/** `@halyard/sdk/hono`: flags on each request of a Hono application, in Node and in Workers. */
import type { Context, MiddlewareHandler } from 'hono'
import type { AnyFlags } from '../client/flag-types.ts'
import type { Flags } from '../client/flags.ts'
import { makeRequestFlags, type RequestFlagsOptions } from '../client/request-flags.ts'

export type { RequestFlagsOptions }

export type HalyardOptions<F extends object = AnyFlags> = RequestFlagsOptions<Context, F>

/** For `new Hono<{ Variables: FlagsVariables }>()`. */
export interface FlagsVariables<F extends object = AnyFlags> {
  readonly flags: Flags<F>
}

/** Middleware: `c.get('flags')` gives flags of one version, evaluated for the request's context, all through a request. */
export function halyard<F extends object = AnyFlags>(
  options: HalyardOptions<F>,
): MiddlewareHandler<{ Variables: FlagsVariables<F> }> {
  const flagsOf = makeRequestFlags(options)
  return async (c, next) => {
    c.set('flags', await flagsOf(c))
    await next()
  }
}
