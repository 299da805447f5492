const name = 'Fault'

/** A failure that a developer can mend: one line that says what is wrong, and one remedy. */
export function fault(problem: string, remedy: string): Error {
  const error = new Error(`${problem}. ${remedy}`)
  error.name = name
  return error
}

/** True for what `fault` made: it is shown as one line, anything else with its stack. */
export function isFault(error: unknown): error is Error {
  return error instanceof Error && error.name === name
}

/** Ends a program for this error: one line for a fault, the whole error for a bug. */
export function failWith(error: unknown): never {
  console.error(isFault(error) ? `error: ${error.message}` : error)
  process.exit(1)
}
