/** Ends the reading of a flag: `reason` is shown beside its name. A SyntaxError, which `reasonsOf` catches. */
export function refuse(reason: string): never {
  throw new SyntaxError(reason)
}

/** Runs the parts of reading a flag, each to its end, and gives what kept them from it. */
export function reasonsOf(...parts: readonly (() => void)[]): string[] {
  const reasons: string[] = []
  for (const part of parts) {
    try {
      part()
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error // a defect, not a flag that cannot be expressed
      reasons.push(error.message)
    }
  }
  return reasons
}
