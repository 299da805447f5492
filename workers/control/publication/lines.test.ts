import { expect, test } from 'vitest'
import { evaluate, evaluateAll } from '@halyard/shared/engine/evaluate.ts'
import type { EvaluationContext } from '@halyard/shared/engine/model.ts'
import { loadSnapshot, type Snapshot } from '@halyard/shared/engine/snapshot.ts'
import { compilePattern } from '@halyard/shared/pattern/pattern.ts'
import type { FlagRecord } from '../ports.ts'
import { compile } from './compile.ts'
import { everything, flag, segment } from './test-history.ts'

const at = { epoch: 1, version: 7 }

test('the bytes of a flag are the same, in whatever order its members were stored', async () => {
  const reverse = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reverse)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([name, inner]) => [name, reverse(inner)]),
    )
  }
  for (const record of everything) {
    const others = everything.filter((row) => row !== record)
    const reversed = { ...record, state: reverse(record.state) as never } // the same JSON
    const { body } = await compile('env_1', at, [record, ...others])
    expect((await compile('env_1', at, [reversed, ...others])).body).toBe(body)
    expect(body).toContain(`${record.kind}\t`)
  }
})

test('what is empty has no place in a line, whether history has it or not', async () => {
  const { state } = flag('a').state as unknown as FlagRecord // what flag() made
  const { body } = await compile('env_1', at, [flag('a')])
  expect((await compile('env_1', at, [flag('a', { state: { ...state, prerequisites: [] } })])).body).toBe(
    body,
  )
  expect(body).not.toMatch(/prerequisites|expiry/)
  expect((await compile('env_1', at, [segment('s')])).body).toBe(
    'segment\ts\t{"attribute":"targetingKey","include":[],"exclude":[]}',
  )
})

test('all that a flag, a segment and a layer may hold is compiled, and means what it says', async () => {
  const { body } = await compile('env_1', at, everything)
  const snapshot = loadSnapshot(body, { compilePattern })
  expect(flagsGiven(snapshot, {}, 0)).toEqual({ full: 'off', needed: 'on', plain: 'on' })
  expect(flagsGiven(snapshot, { targetingKey: 'overridden' }, 0)).toMatchObject({ full: 'on' })
  expect(flagsGiven(snapshot, { targetingKey: 'overridden' }, 1_000)).toMatchObject({ full: 'off' })
  expect(flagsGiven(snapshot, { targetingKey: 'member', plan: 'PRO-1' }, 500)).toMatchObject({ full: 'on' })
  expect(evaluate(snapshot, 'full', { targetingKey: 'overridden' }, 5_000)).toMatchObject({
    reason: 'DISABLED',
    variant: 'on',
  })
})

function flagsGiven(snapshot: Snapshot, context: EvaluationContext, now: number) {
  const decisions = evaluateAll(snapshot, context, now)
  return Object.fromEntries(
    decisions.map((decision) => [
      decision.key,
      'variant' in decision ? decision.variant : decision.errorCode,
    ]),
  )
}
