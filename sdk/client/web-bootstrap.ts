import { evaluateAll, evaluateForClient } from '@halyard/shared/engine/evaluate.ts'
import type { Json, Reason } from '@halyard/shared/engine/model.ts'
import { decideAllSafely } from './decide-safely.ts'
import type { EvaluationContext } from './flags.ts'
import { mergeContexts, type FlagView } from './make-flags.ts'

/** What a browser is given to start from: the values of client-visible flags for one context, and no rule. */
export interface WebBootstrap {
  /** The version evaluated on, as a token; null if there were no flags yet, or they have no version. */
  readonly version: string | null
  /** Whose it is: a browser with another `targetingKey` does without it. */
  readonly targetingKey?: Json | undefined
  /** By key. Flags in error are left out: the browser's own defaults stand. */
  readonly flags: Readonly<Record<string, WebFlag>>
}

export interface WebFlag {
  readonly value: Json
  readonly variant: string
  readonly reason: Exclude<Reason, 'ERROR'>
}

/** Evaluates the client-visible flags for a context. `now` is epoch milliseconds. Never throws. */
export function makeWebBootstrap(
  view: FlagView | null,
  context: EvaluationContext | undefined,
  now: number,
): WebBootstrap {
  if (view === null) return { version: null, flags: {} }
  const flags: Record<string, WebFlag> = Object.create(null) // a flag may be called `__proto__`
  const { snapshot } = view
  const merged = mergeContexts(undefined, context)
  const decisions = decideAllSafely(
    snapshot,
    () => evaluateAll(snapshot, merged, now, { clientOnly: true }),
    (flag) => evaluateForClient(snapshot, flag, merged, now),
  )
  for (const decision of decisions) {
    if (decision.reason === 'ERROR') continue
    const { key, value, variant, reason } = decision
    flags[key] = { value, variant, reason }
  }
  return { version: view.version, targetingKey: readTargetingKey(merged), flags }
}

function readTargetingKey(context: ReturnType<typeof mergeContexts>): Json | undefined {
  try {
    return context['targetingKey']
  } catch {
    return undefined // it throws where it is read: then it is nobody's
  }
}
