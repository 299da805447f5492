import type { Warning } from '@halyard/shared/contract/written.ts'

/** What a write says that raised environments which are frozen. */
export function freezeWarnings(environments: Iterable<string>): readonly Warning[] {
  const names = [...environments].toSorted()
  if (names.length === 0) return []
  const detail = `publishing of ${names.join(', ')} is frozen: this is kept, and readers get it when it is unfrozen`
  return [{ code: 'publishing_frozen', pointer: '', detail }]
}

/** The answer of a write, with these warnings if it takes any. */
export function addWarnings<R>(result: R, warnings: readonly Warning[]): R {
  if (warnings.length === 0 || !takesWarnings(result)) return result
  return { ...result, warnings: [...result.warnings, ...warnings] }
}

function takesWarnings<R>(result: R): result is R & { readonly warnings: readonly Warning[] } {
  return typeof result === 'object' && result !== null && 'warnings' in result
}
