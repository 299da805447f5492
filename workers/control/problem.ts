import {
  problems,
  type FieldCode,
  type FieldError,
  type ProblemCode,
} from '@halyard/shared/contract/problems.ts'

/** A field that is wrong; `invalid_value` if it does not say how. */
export type WrongField = Omit<FieldError, 'code'> & { readonly code?: FieldCode }

interface ProblemExtras {
  readonly detail?: string
  readonly errors?: readonly WrongField[]
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
    this.code = code === 'invalid_input' ? commonCode(extras.errors ?? []) : code
    this.extras = extras
  }
}

/** What is wrong, if all that is wrong is of one kind. */
function commonCode(errors: readonly WrongField[]): ProblemCode {
  const code = errors[0]?.code
  const isCommon =
    code !== undefined && code !== 'invalid_value' && errors.every((error) => error.code === code)
  return isCommon ? code : 'invalid_input'
}

/** The JSON pointer (RFC 6901) of a path of names. */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((name) => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** One field of the body is wrong. */
export function invalid(pointer: string, detail: string): ProblemError {
  return new ProblemError('invalid_input', { detail: `${pointer}: ${detail}`, errors: [{ pointer, detail }] })
}
