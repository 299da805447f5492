import { problems, type FieldError, type ProblemCode } from '@halyard/shared/contract/problems.ts'

interface ProblemExtras {
  readonly detail?: string
  readonly errors?: readonly FieldError[]
  /** With `precondition_failed`: what the object is now. */
  readonly current?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** The one error that use cases and routes throw; `onError` turns it into an answer. */
export class ProblemError extends Error {
  readonly code: ProblemCode
  readonly extras: ProblemExtras

  constructor(code: ProblemCode, extras: ProblemExtras = {}) {
    super(extras.detail ?? problems[code].title)
    this.name = 'ProblemError'
    this.code = code
    this.extras = extras
  }
}

/** The JSON pointer (RFC 6901) of a path of names. */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((name) => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** One field of the body is wrong. */
export function invalid(pointer: string, detail: string): ProblemError {
  return new ProblemError('invalid_input', { detail: `${pointer}: ${detail}`, errors: [{ pointer, detail }] })
}
