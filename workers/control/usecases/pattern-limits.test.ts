import { RE2JS } from 're2js'
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { conditionErrors, nothingSpent } from '@halyard/shared/checks/condition-errors.ts'
import { schemaFormErrors } from '@halyard/shared/checks/value-schema-form.ts'
import type { Condition } from '@halyard/shared/contract/condition.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import { expectProblem, makeShop, pointersOf, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
const { patternsPerEnvironment, patternInstructionsPerEnvironment: instructionsMax } = limits
const matches = (value: string) => ({ attribute: 'a', op: 'matches' as const, value })
const any = (length: number, pattern: (index: number) => string): Condition => ({
  any: Array.from({ length }, (_, index) => matches(pattern(index))),
})
const rulesOf = (...whens: Condition[]) => whens.map((when) => ({ when, serve: { variant: 'on' } }))
/** Counts as so many instructions: the letters, their start and their end. */
const costing = (instructions: number) => 'x'.repeat(instructions - 2)
const patch = (path: string, body: object) =>
  kit.call('PATCH', `${production}/${path}`, { body, headers: { 'if-match': '*' } })

beforeAll(() => makeShop(kit))
beforeEach(() => {
  vi.spyOn(RE2JS, 'compile')
})
afterEach(() => vi.restoreAllMocks())

test('more patterns than an environment may hold are refused before the first of them is compiled', () => {
  const spent = nothingSpent()
  const errors = conditionErrors(
    any(patternsPerEnvironment + 1, (i) => `many-${i}`),
    '/when',
    spent,
  )
  expect(errors).toEqual([{ pointer: '/when', detail: expect.stringContaining('more than 200 patterns') }])
  expect(conditionErrors(matches('many-more'), '/next', spent)).toEqual([])
  expect(RE2JS.compile).not.toHaveBeenCalled()
})

test('a save names its first twenty errors, and looks no further', () => {
  const spent = nothingSpent()
  const found = [0, 1].flatMap((rule) =>
    conditionErrors(
      any(15, (i) => `(${rule}-${i}`),
      `/${rule}`,
      spent,
    ),
  )
  expect(found.map(({ pointer }) => pointer).slice(14)).toEqual([
    '/0/any/14',
    ...[0, 1, 2, 3, 4].map((i) => `/1/any/${i}`),
  ])
  expect(RE2JS.compile).toHaveBeenCalledTimes(20)
})

test('a pattern that stands twice is compiled once, and counts twice', () => {
  const spent = nothingSpent()
  expect(
    conditionErrors(
      any(4, () => costing(250)),
      '',
      spent,
    ),
  ).toEqual([])
  expect(spent.instructions).toBe(1_000)
  expect(RE2JS.compile).toHaveBeenCalledTimes(1)
})

test('no more patterns are compiled than an environment may hold instructions', () => {
  const costly = any(100, (i) => String.raw`(?i)[^\pL\pN\pS\pP\pM\pZ\pC]${i}`)
  const errors = conditionErrors(costly, '', nothingSpent())
  expect(errors).toMatchObject([{ detail: expect.stringContaining(`may hold ${instructionsMax}`) }])
  expect(vi.mocked(RE2JS.compile).mock.calls.length).toBeLessThan(25)
})

test('the patterns of flags and segments of an environment have a price together', async () => {
  await kit.ok('POST', `${shop}/segments`, { body: { key: 'costly' } })
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'costly' } })
  const half = any(3, () => costing(200))
  expect((await patch('flags/costly', { rules: rulesOf(half) })).status).toBe(200)
  expect((await patch('segments/costly', { when: half })).status).toBe(200)
  // As long as the one that it replaces, and costlier.
  const longer = { any: [matches(costing(200)), matches(costing(200)), matches(`${costing(196)}y{9}`)] }
  const refused = expectProblem(await patch('segments/costly', { when: longer }), 'limit_reached')
  expect(refused.detail).toContain(
    `of production would count as 1205 instructions, more than ${instructionsMax}`,
  )
  expectProblem(await patch('flags/costly', { rules: rulesOf(half, matches('y')) }), 'limit_reached')
  expect((await patch('flags/costly', { rules: rulesOf(matches('y')) })).status).toBe(200)
  expect((await patch('segments/costly', { when: longer })).status).toBe(200)
  await kit.ok('DELETE', `${shop}/segments/costly`)
  expect((await patch('flags/costly', { rules: rulesOf(half, half) })).status).toBe(200)
  expectProblem(await kit.call('POST', `${shop}/segments/costly/restore`), 'limit_reached')
  await kit.ok('DELETE', `${shop}/flags/costly`)
})

test('the patterns of all flags of an import count together', async () => {
  const flags = Array.from({ length: 6 }, (_, index) => ({
    key: `imported-${index}`,
    environments: { production: { rules: rulesOf(matches(costing(240))) } },
  }))
  const refused = await kit.call('POST', `${shop}/flags/import`, { body: { flags } })
  expect(pointersOf(refused)).toEqual(['/flags/5/environments/production/rules/0/when'])
  await kit.ok('POST', `${shop}/flags/import`, { body: { flags: flags.slice(0, 5) } })
  for (const { key } of flags.slice(0, 5)) await kit.ok('DELETE', `${shop}/flags/${key}`)
})

test('a switch does not wait for rules that it leaves as they are', async () => {
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'older' } })
  expect((await patch('flags/older', { rules: rulesOf(matches('before')) })).status).toBe(200)
  await kit.sql(
    "update flag_states set state = replace(state::text, 'before', 'be(fore')::json where state::text like '%before%'",
  )
  await kit.ok('POST', `${production}/flags/older/toggle`, { body: { enabled: true } })
  await kit.ok('PATCH', `${shop}/flags/older`, { body: { name: 'Older' }, headers: { 'if-match': '*' } })
  expect(vi.mocked(RE2JS.compile).mock.calls.flat()).not.toContain('be(fore')
  expect((await patch('flags/older', { fallthrough: { variant: 'off' } })).status).toBe(200)
  expectProblem(
    await patch('flags/older', { rules: rulesOf(matches('be(fore '), matches('x')) }),
    'invalid_input',
  )
})

test('the patterns in the schemas of a request count together, and one that is too costly is not compiled', () => {
  const compiled = { instructions: 0 }
  const part = { pattern: '(abc){380}' }
  expect(schemaFormErrors({ allOf: [part, part] }, '', compiled)).toEqual([])
  const errors = schemaFormErrors({ properties: { a: part, b: { pattern: '(x{9}){9}' } } }, '', compiled)
  expect(errors).toEqual([
    { pointer: '/properties/a/pattern', detail: expect.stringContaining('may count as 4000 steps') },
  ])
  vi.mocked(RE2JS.compile).mockClear()
  expect(schemaFormErrors({ pattern: '(\\pL{31}){31}'.repeat(3) }, '')).toMatchObject([
    { pointer: '/pattern' },
  ])
  expect(RE2JS.compile).not.toHaveBeenCalled()
})
