import { expect, test } from 'vitest'
import { compilePattern } from '../pattern/pattern.ts'
import { baseFlag, caseBody, cases } from './cases.ts'
import { evaluate, evaluateAll, evaluateForClient, evaluateMany } from './evaluate.ts'
import type { EvaluationContext } from './model.ts'
import { flagKeys, formatBody, formatLine, loadSnapshot } from './snapshot.ts'

const split = { by: 'secretAttribute', weights: [{ variant: 'on', weight: 100_000 }] }
const rule = { id: 'secret-rule', when: { all: [] }, serve: { variant: 'on' } }
const broken = {
  id: 'secret-rule',
  when: { attribute: 'a', op: 'secret-operator' },
  serve: { variant: 'on' },
}
const line = (key: string, change: object = {}) =>
  formatLine('flag', key, JSON.stringify({ ...baseFlag, ...change }))
const snapshot = loadSnapshot(
  formatBody([
    line('broken', { rules: [broken] }),
    line('hidden', { clientVisible: false }),
    line('plain'),
    line('ruled', { rules: [rule] }),
    line('split', { fallthrough: { split } }),
    'flag\tunreadable\t{',
  ]),
)
const contexts: EvaluationContext[] = [{}, { secretAttribute: 'x' }, { secretAttribute: true }]

test('evaluations with the same result share one frozen decision', () => {
  for (const key of flagKeys(snapshot)) {
    for (const context of contexts) {
      const decision = evaluate(snapshot, key, context, 0)
      expect(evaluate(snapshot, key, { ...context, other: 1 }, 1)).toBe(decision)
      expect(Object.isFrozen(decision)).toBe(true)
      expect(Object.isFrozen(decision.metadata)).toBe(true)
    }
  }
})

test('a value is frozen all through, so that no caller changes what others get', () => {
  const variants = [{ key: 'off', value: { list: [{ deep: 1 }] } }]
  const fallthrough = { variant: 'off' }
  const deep = loadSnapshot(line('deep', { valueType: 'json', variants, fallthrough }))
  const decision = evaluate(deep, 'deep', {}, 0)
  const value = decision.reason === 'ERROR' ? null : decision.value
  expect(value).toEqual({ list: [{ deep: 1 }] })
  const parts = [value, Object(value).list, Object(value).list[0]]
  expect(parts.map((part) => Object.isFrozen(part))).toEqual([true, true, true])
})

test('all decisions are those of each flag, in the order of the body', () => {
  for (const context of contexts) {
    const single = flagKeys(snapshot).map((key) => evaluate(snapshot, key, context, 0))
    expect(evaluateAll(snapshot, context, 0)).toEqual(single)
  }
})

test('some decisions are those of each flag, in the order of the keys', () => {
  const keys = ['split', 'nowhere', 'hidden', 'plain', 'split']
  for (const context of contexts) {
    expect(evaluateMany(snapshot, keys, { context, now: 0 })).toEqual(
      keys.map((key) => evaluate(snapshot, key, context, 0)),
    )
    expect(evaluateMany(snapshot, keys, { context, now: 0, clientOnly: true })).toEqual(
      keys.map((key) => evaluateForClient(snapshot, key, context, 0)),
    )
  }
})

test('all decisions for class client are those of each visible flag', () => {
  const keys = flagKeys(snapshot, { clientOnly: true })
  expect(keys).toEqual(['broken', 'plain', 'ruled', 'split'])
  for (const context of contexts) {
    const single = keys.map((key) => evaluateForClient(snapshot, key, context, 0))
    expect(evaluateAll(snapshot, context, 0, { clientOnly: true })).toEqual(single)
  }
})

test('a hidden flag looks exactly like an unknown one to class client', () => {
  const hidden = evaluateForClient(snapshot, 'hidden', {}, 0)
  const unknown = evaluateForClient(loadSnapshot(''), 'hidden', {}, 0)
  expect(JSON.stringify(hidden)).toBe(JSON.stringify(unknown))
  expect(hidden).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' })
})

test('class client is told nothing of rules, attributes and hidden flags', () => {
  for (const context of contexts) {
    const answers = evaluateAll(snapshot, context, 0, { clientOnly: true })
    expect(JSON.stringify(answers)).not.toMatch(/secret|hidden|unreadable/)
  }
})

test('class server is told what is wrong with a flag', () => {
  expect(evaluate(snapshot, 'broken', {}, 0)).toMatchObject({
    errorDetails: 'unknown operator "secret-operator"',
  })
  expect(evaluate(snapshot, 'split', {}, 0)).toMatchObject({
    errorDetails: 'the context has no "secretAttribute" to bucket by',
  })
})

test('a context that changed between two evaluations is read again', () => {
  const context = { secretAttribute: 'x' }
  const wanted = {
    id: 'r',
    when: { attribute: 'secretAttribute', op: 'eq', value: 'x' },
    serve: { variant: 'on' },
  }
  const fresh = loadSnapshot(line('f', { rules: [wanted] }))
  expect(evaluate(fresh, 'f', context, 0)).toMatchObject({ value: true })
  context.secretAttribute = 'y'
  expect(evaluate(fresh, 'f', context, 0)).toMatchObject({ value: false })
})

test('what a prerequisite or a segment gave for one context is not taken for the next', () => {
  const isPro = { id: 'r', when: { attribute: 'plan', op: 'eq', value: 'pro' }, serve: { variant: 'on' } }
  const segment = { attribute: 'targetingKey', include: [], exclude: [], when: isPro.when }
  const inSegment = { id: 'r', when: { segment: 'pro' }, serve: { variant: 'on' } }
  const fresh = loadSnapshot(
    formatBody([
      line('f', { prerequisites: [{ flag: 'g', variants: ['on'] }], fallthrough: { variant: 'on' } }),
      line('g', { rules: [isPro] }),
      line('h', { rules: [inSegment] }),
      formatLine('segment', 'pro', JSON.stringify(segment)),
    ]),
  )
  for (const plan of ['pro', 'free', 'pro']) {
    for (const key of ['f', 'h']) {
      expect(evaluate(fresh, key, { plan }, 0), `${key} ${plan}`).toMatchObject({ value: plan === 'pro' })
    }
  }
})

test('NaN never matches, with negate or without, and no override names it', () => {
  const leaves = [
    { op: 'eq', value: 1 },
    { op: 'in', values: [1] },
    { op: 'in', values: [] },
    { op: 'gt', value: 1 },
    { op: 'lt', value: 1 },
  ]
  for (const leaf of leaves) {
    for (const negate of [false, true]) {
      const when = { attribute: 'a', ...leaf, negate }
      const fresh = loadSnapshot(line('f', { rules: [{ id: 'r', when, serve: { variant: 'on' } }] }))
      expect(evaluate(fresh, 'f', { a: Number.NaN }, 0)).toMatchObject({ value: false, reason: 'DEFAULT' })
    }
  }
})

test('inherited properties of a context are missing', () => {
  const wanted = { id: 'r', when: { attribute: 'a', op: 'eq', value: 'x' }, serve: { variant: 'on' } }
  const fresh = loadSnapshot(line('f', { rules: [wanted] }))
  expect(evaluate(fresh, 'f', Object.create({ a: 'x' }), 0)).toMatchObject({ value: false })
})

test('one snapshot of all readable cases decides as each alone: flags share attributes, not answers', () => {
  const rows = cases.filter(({ flag, flags, segments, layers, key, ...row }) => {
    const isAlone = !(flags ?? segments ?? layers ?? row.class)
    return flag && isAlone && key === 'f' && !JSON.stringify(flag).includes('"flag":')
  })
  const bodies = rows.map((row, i) => caseBody(row).replace('\tf\t', `\tf${i}\t`))
  const together = loadSnapshot(bodies.join('\n'), { compilePattern })
  for (const [i, row] of rows.entries()) {
    const { key: _, ...alone } = evaluate(
      loadSnapshot(caseBody(row), { compilePattern }),
      'f',
      row.context,
      row.now,
    )
    expect(evaluate(together, `f${i}`, row.context, row.now), row.name).toMatchObject(alone)
    const all = evaluateAll(together, row.context, row.now)
    expect(
      all.find((decision) => decision.key === `f${i}`),
      row.name,
    ).toMatchObject(alone)
  }
})
