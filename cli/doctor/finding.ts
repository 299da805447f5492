import { CommandError } from '../command-error.ts'

/** One thing that was looked at. */
export interface Finding {
  readonly check: string
  readonly outcome: 'ok' | 'warn' | 'fail'
  readonly what: string
  /** What to do; null where there is nothing to do. */
  readonly remedy: string | null
}

export function ok(check: string, what: string): Finding {
  return { check, outcome: 'ok', what, remedy: null }
}

export function warn(check: string, what: string, remedy: string): Finding {
  return { check, outcome: 'warn', what, remedy }
}

export function fail(check: string, what: string, remedy: string): Finding {
  return { check, outcome: 'fail', what, remedy }
}

/** What a command would have ended with. */
export function failWith(check: string, error: unknown, remedy: string): Finding {
  if (!(error instanceof CommandError)) throw error
  return fail(check, [error.message, ...error.lines].join(': '), remedy)
}
