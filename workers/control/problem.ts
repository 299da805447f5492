import type { WrongField } from '@halyard/shared/checks/wrong-field.ts'
import { problems, type ProblemCode } from '@halyard/shared/contract/problems.ts'

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

/** One field of the body is wrong. */
export function invalid(pointer: string, detail: string): ProblemError {
  return new ProblemError('invalid_input', { detail: `${pointer}: ${detail}`, errors: [{ pointer, detail }] })
}
