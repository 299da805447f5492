import { checkLogger } from './check-options.ts'
import { describeCause } from './describe-cause.ts'
import type { FlagClient, Logger } from './flag-client.ts'
import type { AnyFlags } from './flag-types.ts'
import type { EvaluationContext, Flags } from './flags.ts'

export interface RequestFlagsOptions<Request, F extends object = AnyFlags> {
  readonly client: FlagClient<F>
  /** Who asks. If it throws or rejects, that is logged, and the request goes on with an empty context. */
  readonly context?: ((request: Request) => EvaluationContext | Promise<EvaluationContext>) | undefined
  readonly logger?: Logger | undefined
}

/** A client that has no flags yet is waited for so long, and after that no more until it has some. */
const patienceMs = 1_500

/**
 * Makes what gives the flags of one request: one version and one context from its beginning to its end. It never rejects.
 * Throws a TypeError if the logger is none.
 */
export function makeRequestFlags<Request, F extends object>({
  client,
  context,
  logger,
}: RequestFlagsOptions<Request, F>): (request: Request) => Promise<Flags<F>> {
  const log = checkLogger('halyard', logger)
  let isPatient = true
  return async (request) => {
    // A Worker's client has no other time to look for flags than this.
    if (isPatient || client.version !== null) isPatient = await client.ready({ timeoutMs: patienceMs })
    return client.snapshot(context && (await contextOf(context, request, log)))
  }
}

async function contextOf<Request>(
  context: (request: Request) => EvaluationContext | Promise<EvaluationContext>,
  request: Request,
  logger: Logger,
): Promise<EvaluationContext> {
  try {
    const made: unknown = await context(request)
    if (typeof made === 'object' && made !== null) return made as EvaluationContext // as its type says
    throw new TypeError(`it gave ${String(made)}, and an object is needed`)
  } catch (cause) {
    // The user's own page must come all the same, with what the flags give to anybody.
    logger.error(`the context of a request could not be made: ${describeCause(cause)}`)
    return {}
  }
}
