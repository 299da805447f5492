/** `@halyard/sdk/express`: flags on each request of an Express application, 4 or 5. */
import type { Request, RequestHandler } from 'express'
import type { AnyFlags } from '../client/flag-types.ts'
import type { Flags } from '../client/flags.ts'
import { makeRequestFlags, type RequestFlagsOptions } from '../client/request-flags.ts'

export type { RequestFlagsOptions }

declare global {
  // What @types/express has for this: found also where its own packages are not, as with pnpm.
  namespace Express {
    interface Request {
      /** There behind the middleware `halyard`. */
      flags: Flags
    }
  }
}

export type HalyardOptions<F extends object = AnyFlags> = RequestFlagsOptions<Request, F>

/** Middleware: `req.flags` gives flags of one version, evaluated for the request's context, all through a request. */
export function halyard<F extends object = AnyFlags>(options: HalyardOptions<F>): RequestHandler {
  const flagsOf = makeRequestFlags(options)
  return async (request, _response, next) => {
    const flags: unknown = await flagsOf(request)
    request.flags = flags as Flags // Express has one type of request for all, which knows no keys
    next()
  }
}
