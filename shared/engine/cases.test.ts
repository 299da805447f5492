import { expect, test } from 'vitest'
import { compilePattern } from '../pattern/pattern.ts'
import { caseBody, cases, comparable, expectedOf } from './cases.ts'
import { evaluate, evaluateForClient } from './evaluate.ts'
import { loadSnapshot } from './snapshot.ts'

test.each(cases.map((row) => [row.name, row] as const))('%s', (_, row) => {
  const decide = row.class === 'client' ? evaluateForClient : evaluate
  const decision = decide(loadSnapshot(caseBody(row), { compilePattern }), row.key, row.context, row.now)
  expect(comparable(decision)).toEqual(expectedOf(row))
  if (decision.reason === 'ERROR') expect(decision.errorDetails).not.toBe('')
})
