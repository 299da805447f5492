import type { Context } from 'hono'
import { ProblemError } from '../problem.ts'
import { asProblem } from '../store/database.ts'
import type { AppEnv } from './app-env.ts'

/** The problem that an error is to whoever asked. One that nobody foresaw is logged, and tells them nothing. */
export function problemOf(thrown: Error, c: Context<AppEnv>): ProblemError {
  const error = asProblem(thrown)
  if (error instanceof ProblemError) return error
  console.error(
    JSON.stringify({
      event: 'internal',
      requestId: c.var.requestId,
      error: String(thrown),
      cause: String(thrown.cause),
      stack: thrown.stack,
    }),
  )
  return new ProblemError('internal')
}
