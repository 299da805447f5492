/** What a context does that throws where it is read: a getter, a revoked proxy, a text of its own. */
import { flagKeys, type Snapshot } from '@halyard/shared/engine/snapshot.ts'
import type { Decision, EvaluationError } from '@halyard/shared/engine/model.ts'
import { describeCause } from './describe-cause.ts'

/** The decision on a flag for a context that threw. */
export function makeFailed(key: string, cause: unknown): EvaluationError {
  const errorDetails = `evaluation failed, most likely where the context was read: ${describeCause(cause)}`
  return { key, reason: 'ERROR', errorCode: 'GENERAL', errorDetails, metadata: {} }
}

/** Decides all flags at once, or, if that throws, one by one: those that do not read what throws are as they are. */
export function decideAllSafely(
  snapshot: Snapshot,
  decideAll: () => readonly Decision[],
  decideOne: (key: string) => Decision,
): readonly Decision[] {
  try {
    return decideAll()
  } catch {
    return flagKeys(snapshot).map((key) => {
      try {
        return decideOne(key)
      } catch (cause) {
        return makeFailed(key, cause) // the other flags may do
      }
    })
  }
}
