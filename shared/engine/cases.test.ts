import { expect, test } from 'vitest'
import { caseBody, cases } from './cases.ts'
import { evaluate, evaluateForClient } from './evaluate.ts'
import type { Decision } from './model.ts'
import { loadSnapshot } from './snapshot.ts'

test.each(cases.map((row) => [row.name, row] as const))('%s', (_, row) => {
  const decide = row.class === 'client' ? evaluateForClient : evaluate
  const decision = decide(loadSnapshot(caseBody(row)), row.key, row.context, row.now)
  expect(shown(decision)).toEqual({
    key: row.key,
    ...('errorCode' in row.expect ? { reason: 'ERROR' } : {}),
    metadata: {},
    ...row.expect,
  })
})

function shown(decision: Decision) {
  if (decision.reason !== 'ERROR') return decision
  const { errorDetails, ...rest } = decision
  expect(errorDetails).not.toBe('')
  return rest
}
