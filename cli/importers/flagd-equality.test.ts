/** What is imported decides as flagd would: held against an interpreter of JsonLogic that knows nothing of conditions. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluate } from '@halyard/shared/engine/evaluate.ts'
import type { EvaluationContext, Json } from '@halyard/shared/engine/model.ts'
import { formatLine, loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { makeFlagdImporter } from './flagd.ts'

type Logic = Record<string, Json>

const flag = { state: 'ENABLED', variants: { a: 1, b: 2, c: 3, off: 0 }, defaultVariant: 'c' }

/** The moment of every evaluation: within the first second, and not at its start. */
const nowMs = 700

/** The variant that flagd gives for these rules. */
function flagdDecides(targeting: Json, context: EvaluationContext): Json {
  return (
    run(targeting, { ...context, $flagd: { timestamp: Math.floor(nowMs / 1_000) } }) ?? flag.defaultVariant
  )
}

function run(logic: Json, context: Json): Json {
  if (typeof logic !== 'object' || logic === null || Array.isArray(logic)) return logic
  const [operator = '', given = null] = Object.entries(logic)[0] ?? []
  const operands: readonly Json[] = Array.isArray(given) ? given : [given]
  if (operator === 'if') return runIf(operands, context)
  const values = operands.map((operand) => run(operand, context))
  const [x = null, y = null] = values
  const operators: Record<string, () => Json> = {
    var: () => look(context, String(operands[0])) ?? operands[1] ?? null,
    '==': () => isLoose(x, y),
    '===': () => x === y,
    '!=': () => !isLoose(x, y),
    '!==': () => x !== y,
    '>': () => toNumber(x) > toNumber(y),
    '>=': () => toNumber(x) >= toNumber(y),
    '<': () => ascends(values, (a, b) => a < b),
    '<=': () => ascends(values, (a, b) => a <= b),
    in: () => (typeof y === 'string' || Array.isArray(y) ? (y as Json[]).includes(x) : false),
    starts_with: () => (typeof x === 'string' ? x.startsWith(String(y)) : null),
    ends_with: () => (typeof x === 'string' ? x.endsWith(String(y)) : null),
    sem_ver: () => compareVersions(x, String(y), String(values[2])),
    and: () => lastUnless(values, false),
    or: () => lastUnless(values, true),
    '!': () => !isTrue(x),
    '!!': () => isTrue(x),
  }
  const operation = operators[operator]
  if (!operation) throw new Error(`this interpreter lacks ${operator}`)
  return operation()
}

/** The first value that counts as `wanted`, else the last one. */
function lastUnless(values: readonly Json[], wanted: boolean): Json {
  const at = values.findIndex((value) => isTrue(value) === wanted)
  return values.at(at) ?? null // -1 is the last
}

function runIf(operands: readonly Json[], context: Json): Json {
  for (let i = 0; i + 1 < operands.length; i += 2)
    if (isTrue(run(operands[i] ?? null, context))) return run(operands[i + 1] ?? null, context)
  return operands.length % 2 === 1 ? run(operands.at(-1) ?? null, context) : null
}

function look(context: Json, path: string): Json | undefined {
  let value: Json | undefined = context
  for (const name of path.split('.'))
    value = typeof value === 'object' && value !== null ? (value as Logic)[name] : undefined
  return value
}

function isTrue(value: Json): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value)
}

/** Lists and objects are never loosely equal to a value: so the daemon, and all but a joined list in JavaScript. */
function isLoose(x: Json, y: Json): boolean {
  if (typeof x === 'object' || typeof y === 'object') return x === null && y === null
  // oxlint-disable-next-line eqeqeq -- the very operator
  return x == y
}

function ascends(values: readonly Json[], isBelow: (a: number, b: number) => boolean): boolean {
  return values.slice(1).every((value, i) => isBelow(toNumber(values[i] ?? null), toNumber(value)))
}

/** Versions in their order; those of one row are the same. */
const versions = [
  ['0.0.0', '0'],
  ['0.9.9'],
  ['1.0.0-alpha'],
  ['1.0.0', '1', 'v1.0'],
  ['1.2.0-0'],
  ['1.2.0-rc.1'],
  ['1.2.0', '1.2'],
  ['1.2.3', 'v1.2.3', '1.2.3+build'],
  ['1.3.0-0'],
  ['2.0.0-0'],
  ['2.0.0'],
  ['10.0.0'],
  ['42.0.0', '42'],
]

function place(text: Json): number {
  return versions.findIndex((row) => row.some((one) => one === text))
}

function compareVersions(version: Json, operator: string, target: string): boolean {
  const [a, b] = [place(version), place(target)]
  if (a < 0) return false
  const isSame = (parts: number) => {
    const [left, right] = [versions[a]?.[0], versions[b]?.[0]]
    return left?.split('.').slice(0, parts).join() === right?.split('.').slice(0, parts).join()
  }
  const outcomes: Record<string, boolean> = {
    '=': a === b,
    '!=': a !== b,
    '<': a < b,
    '<=': a <= b,
    '>': a > b,
    '>=': a >= b,
    '^': isSame(1),
    '~': isSame(2),
  }
  return outcomes[operator] ?? false
}

function toNumber(value: Json): number {
  return typeof value === 'object' && value !== null ? Number.NaN : Number(value)
}

function importAndEvaluate(targeting: Json, context: EvaluationContext, isTyped: boolean): Json | null {
  const importer = makeFlagdImporter({ isTyped, mayRebucket: false })
  const [planned] = importer.read({ flags: { flag: { ...flag, targeting } } })
  if (planned?.kind !== 'ready') return null
  const rules = (planned.state.rules ?? []).map((rule, i) => ({ ...rule, id: `rul_${i}` }))
  const config = {
    ...planned.flag,
    ...planned.state,
    rules,
    seed: '0123456789abcdef',
    clientVisible: false,
    overrides: [],
  }
  const body = formatLine('flag', 'flag', JSON.stringify({ ...config, key: undefined }))
  const decision = evaluate(loadSnapshot(body), 'flag', context, nowMs)
  return decision.reason === 'ERROR' ? `error: ${decision.errorDetails}` : decision.variant
}

const texts = ['', ' ', '0', '1', '42', '-0.5', '1e2', 'x', 'xy', 'true', 'null', '0x10', ' 5']
const text = fc.constantFrom(...texts)
const number = fc.constantFrom(0, 1, -1, 42, 100, -0.5, 18)
const scalar = fc.oneof(text, number, fc.boolean())
const anything: fc.Arbitrary<Json> = fc.oneof(
  scalar,
  fc.constantFrom<Json>(null, [], ['x'], ['x', 'y'], {}, { d: 'x' }, [42], ['1', null, { d: 1 }]),
  fc.constantFrom<Json>(...versions.flat()),
)
const names = ['s', 'n', 'b', 'deep.d', 'targetingKey'] as const

function variable(name: fc.Arbitrary<string>, preset: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  return fc.oneof(
    { weight: 4, arbitrary: name.map((path): Json => ({ var: path })) },
    { weight: 1, arbitrary: fc.tuple(name, preset).map(([path, value]): Json => ({ var: [path, value] })) },
  )
}

function comparison(
  operators: readonly string[],
  sides: fc.Arbitrary<readonly [Json, Json]>,
): fc.Arbitrary<Json> {
  return fc
    .tuple(fc.constantFrom(...operators), sides, fc.boolean())
    .map(([operator, [x, y], isMirrored]): Json => ({ [operator]: isMirrored ? [y, x] : [x, y] }))
}

/** Trees of conditions over these comparisons, in `if` chains and nested ones. */
function targetingOf(leaf: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  const { condition } = fc.letrec<{ condition: Json }>((tie) => ({
    condition: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.boolean(),
      fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((and): Json => ({ and })),
      fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((or): Json => ({ or })),
      tie('condition').map((inner): Json => ({ '!': inner })),
      tie('condition').map((inner): Json => ({ '!!': [inner] })),
      fc.array(tie('condition'), { minLength: 2, maxLength: 4 }).map((operands): Json => ({ if: operands })),
    ),
  }))
  const variant = fc.constantFrom<Json>('a', 'b', 'off', null)
  const { result } = fc.letrec<{ result: Json }>((tie) => ({
    result: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      variant,
      fc
        .tuple(
          fc.array(fc.tuple(condition, tie('result')), { minLength: 1, maxLength: 3 }),
          fc.option(tie('result')),
        )
        .map(([branches, last]): Json => ({ if: [...branches.flat(), ...(last === null ? [] : [last])] })),
    ),
  }))
  return fc.tuple(condition, result, result).map((operands): Json => ({ if: operands }))
}

function contextOf(values: Record<'s' | 'n' | 'b' | 'd' | 'targetingKey', fc.Arbitrary<Json>>) {
  return fc
    .record(values, { requiredKeys: [] })
    .map(({ d, ...rest }): EvaluationContext => (d === undefined ? rest : { ...rest, deep: { d } }))
}

const name = fc.constantFrom(...names)
const orders = ['>', '>=', '<', '<=']
const exactLeaf = fc.oneof(
  comparison(['===', '!=='], fc.tuple(variable(name, scalar), scalar)),
  comparison(['==', '!='], fc.tuple(variable(name, scalar), text)),
  fc
    .tuple(variable(name, scalar), fc.array(scalar, { maxLength: 3 }))
    .map((operands): Json => ({ in: operands })),
  fc
    .tuple(variable(name, scalar), fc.constantFrom('x', 'xy', '1'))
    .chain((operands) =>
      fc.constantFrom<Json>(
        { starts_with: operands },
        { ends_with: operands },
        { in: operands.toReversed() },
      ),
    ),
  fc
    .tuple(name, fc.constantFrom('==', '!=', '===', '!=='))
    .map(([path, operator]): Json => ({ [operator]: [{ var: path }, null] })),
  fc
    .tuple(
      name,
      fc.constantFrom('=', '!=', '<', '<=', '>', '>=', '^', '~'),
      fc.constantFrom(...versions.flat()),
    )
    .map(([path, operator, version]): Json => ({ sem_ver: [{ var: path }, operator, version] })),
  fc
    .tuple(fc.constantFrom(...orders), fc.integer({ min: -1, max: 2 }), fc.boolean())
    .map(([operator, second, isMirrored]): Json => {
      const sides = [{ var: '$flagd.timestamp' }, second]
      return { [operator]: isMirrored ? sides.toReversed() : sides }
    }),
)
const anyContext = contextOf({ s: anything, n: anything, b: anything, d: anything, targetingKey: anything })

test('whatever is imported as it stands decides as flagd for every context', () => {
  let imported = 0
  fc.assert(
    fc.property(targetingOf(exactLeaf), anyContext, (targeting, context) => {
      const variant = importAndEvaluate(targeting, context, false)
      fc.pre(variant !== null)
      imported += 1
      expect(variant).toBe(flagdDecides(targeting, context))
    }),
    { numRuns: 3_000 },
  )
  expect(imported).toBeGreaterThan(1_000)
})

const is = (only: string) => fc.constant(only)
const typedLeaf = fc.oneof(
  exactLeafOf('s', text),
  exactLeafOf('n', number),
  exactLeafOf('b', fc.boolean()),
  comparison([...orders, '==', '!='], fc.tuple(variable(is('n'), number), number)),
  fc
    .tuple(fc.constantFrom('<', '<='), number, variable(is('n'), number), number)
    .map(([operator, ...operands]): Json => ({ [operator]: operands })),
  comparison(['==', '!='], fc.tuple(variable(is('b'), fc.boolean()), fc.boolean())),
  comparison(['==', '!='], fc.tuple(variable(is('s'), text), text)),
  variable(is('s'), text),
  variable(is('n'), number),
  variable(is('b'), fc.boolean()),
)
const or = (values: fc.Arbitrary<Json>) => fc.option(values, { nil: null })
const typedContext = contextOf({
  s: or(text),
  n: or(number),
  b: or(fc.boolean()),
  d: or(text),
  targetingKey: or(text),
})

function exactLeafOf(path: string, values: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  return fc.oneof(
    comparison(['===', '!=='], fc.tuple(variable(is(path), values), values)),
    fc
      .tuple(variable(is(path), values), fc.array(values, { minLength: 1, maxLength: 3 }))
      .map((operands): Json => ({ in: operands })),
  )
}

test('with --typed, whatever is imported decides as flagd where attributes have their types or are missing', () => {
  let imported = 0
  fc.assert(
    fc.property(targetingOf(typedLeaf), typedContext, (targeting, context) => {
      const variant = importAndEvaluate(targeting, context, true)
      fc.pre(variant !== null)
      imported += 1
      expect(variant).toBe(flagdDecides(targeting, context))
    }),
    { numRuns: 3_000 },
  )
  expect(imported).toBeGreaterThan(1_000)
})
