import { expect, test } from 'vitest'
import { baseFlag, caseBody, cases } from './cases.ts'
import { evaluate, evaluateForClient } from './evaluate.ts'
import { decisionJson } from './json.ts'
import { formatLine, loadSnapshot } from './snapshot.ts'

const rules = [{ id: 'r1', when: { all: [] }, serve: { variant: 'on' } }]
const snapshot = loadSnapshot(formatLine('flag', 'f', JSON.stringify({ ...baseFlag, rules })))

test('a result is key, value, reason, variant and metadata', () => {
  expect(decisionJson(evaluate(snapshot, 'f', {}, 0))).toBe(
    '{"key":"f","value":true,"reason":"TARGETING_MATCH","variant":"on","metadata":{"ruleId":"r1"}}',
  )
})

test('a result for class client has no metadata about rules', () => {
  expect(decisionJson(evaluateForClient(snapshot, 'f', {}, 0))).toBe(
    '{"key":"f","value":true,"reason":"TARGETING_MATCH","variant":"on"}',
  )
})

test('an error is key, code and details, with no value and no variant', () => {
  expect(decisionJson(evaluate(snapshot, 'g "h"', {}, 0))).toBe(
    '{"key":"g \\"h\\"","errorCode":"FLAG_NOT_FOUND","errorDetails":"there is no such flag"}',
  )
})

test('the text of every case parses to its decision, the second time too', () => {
  for (const row of cases) {
    const decision = evaluate(loadSnapshot(caseBody(row)), row.key, row.context, row.now)
    const text = decisionJson(decision)
    expect(decisionJson(decision)).toBe(text)
    expect({
      ...(decision.reason === 'ERROR' && { reason: 'ERROR' }),
      metadata: {},
      ...JSON.parse(text),
    }).toEqual(JSON.parse(JSON.stringify(decision)))
  }
})
