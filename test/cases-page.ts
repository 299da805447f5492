/** Runs the table of cases in whatever loads it: a page, or a process with another zone and language. */
import { caseBody, cases } from '@halyard/shared/engine/cases.ts'
import { evaluate, evaluateForClient } from '@halyard/shared/engine/evaluate.ts'
import type { Decision } from '@halyard/shared/engine/model.ts'
import { loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { compilePattern } from '@halyard/shared/pattern/pattern.ts'

/** The decisions of all cases, in their order. */
export function decideCases(): Decision[] {
  return cases.map((row) => {
    const decide = row.class === 'client' ? evaluateForClient : evaluate
    return decide(loadSnapshot(caseBody(row), { compilePattern }), row.key, row.context, row.now)
  })
}
