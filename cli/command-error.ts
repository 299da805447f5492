import type { ProblemCode } from '@halyard/shared/contract/problems.ts'

/** What a run of the CLI ends with. */
export const exitCodes = {
  done: 0,
  /** The API, the edge or the network said no. */
  failed: 1,
  /** The command line, a variable or a file is not what it has to be. */
  usage: 2,
  /** Nothing was written, by decision: a refused flag in an import, a protected environment not confirmed. */
  refused: 3,
  /** `plan --detailed-exitcode` found something to do. */
  pending: 4,
  /** Ctrl-C in the middle: what was done is told. */
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** The one error that commands throw: its message and lines go to stderr, its code ends the process. */
export class CommandError extends Error {
  readonly exitCode: ExitCode
  readonly lines: readonly string[]
  /** What the API calls it, if it was the API that said no. */
  readonly code: ProblemCode | null

  constructor(
    exitCode: ExitCode,
    message: string,
    lines: readonly string[] = [],
    code: ProblemCode | null = null,
  ) {
    super(message)
    this.name = 'CommandError'
    this.exitCode = exitCode
    this.lines = lines
    this.code = code
  }
}

export function usageError(message: string, ...lines: string[]): CommandError {
  return new CommandError(exitCodes.usage, message, lines)
}
