import { expect, test } from 'vitest'
import { baseFlag } from './cases.ts'
import { evaluate } from './evaluate.ts'
import type { Condition } from './model.ts'
import { formatLine, loadSnapshot } from './snapshot.ts'

const serve = { variant: 'on' }
const never: Condition = { any: [] }

function reasonOf(change: object): string {
  const body = formatLine('flag', 'f', JSON.stringify({ ...baseFlag, ...change }))
  const decision = evaluate(loadSnapshot(body), 'f', {}, 0)
  return decision.reason === 'ERROR' ? decision.errorCode : decision.reason
}

const variants = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ key: i === 0 ? 'off' : `variant-${i}`, value: false }))
const rules = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: `rule-${i}`, when: never, serve }))
const leaves = (count: number) => [
  {
    id: 'r',
    when: { any: Array.from({ length: count }, () => ({ attribute: 'a', op: 'eq', value: 1 })) },
    serve,
  },
]
const values = (count: number) => [
  { id: 'r', when: { attribute: 'a', op: 'in', values: Array.from({ length: count }, (_, i) => i) }, serve },
]
function nested(depth: number): Condition {
  return depth === 0 ? { attribute: 'a', op: 'eq', value: 1 } : { not: nested(depth - 1) }
}
const deepValue = (depth: number) => ({
  valueType: 'json',
  variants: [{ key: 'off', value: JSON.parse('['.repeat(depth) + ']'.repeat(depth)) }],
})

test.each([
  ['64 variants', { variants: variants(64) }, { variants: variants(65) }],
  ['100 rules', { rules: rules(100) }, { rules: rules(101) }],
  ['200 leaves a rule', { rules: leaves(200) }, { rules: leaves(201) }],
  ['1,000 values a leaf', { rules: values(1_000) }, { rules: values(1_001) }],
  [
    'conditions ten deep',
    { rules: [{ id: 'r', when: nested(10), serve }] },
    { rules: [{ id: 'r', when: nested(11), serve }] },
  ],
  ['values a hundred deep', deepValue(100), deepValue(102)],
])('%s are read, and one more is not', (_, most, tooMany) => {
  expect(['STATIC', 'DEFAULT', 'TARGETING_MATCH']).toContain(reasonOf(most))
  expect(reasonOf(tooMany)).toBe('PARSE_ERROR')
})

test.each([
  [
    'a condition',
    (deep: string) => `{"rules":[{"id":"r","when":${deep},"serve":{"variant":"on"}}]}`,
    '{"not":',
    '}',
  ],
  ['a value', (deep: string) => `{"valueType":"json","variants":[{"key":"off","value":${deep}}]}`, '[', ']'],
  ['an operator', (deep: string) => `{"rules":[{"id":"r","when":{"op":${deep}},"serve":{}}]}`, '[', ']'],
])('%s a hundred thousand deep is an error of its flag', (_, wrap, open, close) => {
  const count = 100_000
  const change = wrap(`${open.repeat(count)}${open === '[' ? '' : '{"all":[]}'}${close.repeat(count)}`)
  const members = JSON.stringify(baseFlag).slice(1)
  // Of two members of one name the last counts.
  const json = `{${members.slice(0, -1)},${change.slice(1)}`
  expect(evaluate(loadSnapshot(formatLine('flag', 'f', json)), 'f', {}, 0)).toMatchObject({
    errorCode: 'PARSE_ERROR',
  })
})
