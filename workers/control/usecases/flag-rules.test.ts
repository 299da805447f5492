import { beforeAll, expect, test } from 'vitest'
import { expectProblem, makeShop, pointersOf, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
const ifMatch = { 'if-match': '*' }
const split = (...weights: [string, number][]) => ({
  split: { weights: weights.map(([variant, weight]) => ({ variant, weight })) },
})
const leaf = { attribute: 'country', op: 'eq', value: 'FR' }
const rule = (when: unknown, serve: unknown = { variant: 'on' }) => ({ when, serve })
const nest = (depth: number): unknown => (depth === 1 ? leaf : { not: nest(depth - 1) })
const times = <T>(length: number, item: (index: number) => T) =>
  Array.from({ length }, (_, index) => item(index))

beforeAll(() => makeShop(kit))

/** What may not be in a new flag, and the pointers that say so. */
const badFlags: [string, object, string[]][] = [
  ['no key', {}, ['/key']],
  ['an unknown field', { key: 'a', nope: 1, enabled: true }, ['/nope', '/enabled']],
  [
    'wrong types',
    { key: 1, name: 2, tags: 'a', clientVisible: 'yes' },
    ['/key', '/name', '/tags', '/clientVisible'],
  ],
  ['a null', { key: 'a', description: null }, ['/description']],
  ...['', ' a', 'a b', '-a', '.a', 'a/b', 'é', 'a\n', 'a'.repeat(101)].map(
    (key): [string, object, string[]] => [`the key ${JSON.stringify(key)}`, { key }, ['/key']],
  ),
  ['a list without variants', { key: 'a', valueType: 'string' }, ['/variants']],
  ['no variant at all', { key: 'a', variants: [] }, ['/variants']],
  [
    'values of another type than the flag',
    {
      key: 'a',
      variants: [
        { key: 'on', value: true },
        { key: 'off', value: 'false' },
        { key: 'none', value: null },
        { key: 'list', value: [] },
      ],
    },
    ['/variants/1/value', '/variants/2/value', '/variants/3/value'],
  ],
  ['a variant without value', { key: 'a', variants: [{ key: 'on' }] }, ['/variants/0/value']],
  [
    'one variant twice',
    { key: 'a', variants: times(2, () => ({ key: 'on', value: true })) },
    ['/variants/1/key'],
  ],
  ['65 variants', { key: 'a', variants: times(65, (i) => ({ key: `v${i}`, value: true })) }, ['/variants']],
  [
    'a value of more than 64 KiB',
    { key: 'a', valueType: 'string', variants: [{ key: 'v', value: 'é'.repeat(32 * 1024) }] },
    ['/variants/0/value'],
  ],
  [
    'a value of depth 65',
    {
      key: 'a',
      valueType: 'json',
      variants: [{ key: 'v', value: JSON.parse('['.repeat(65) + ']'.repeat(65)) }],
    },
    ['/variants/0/value'],
  ],
  [
    'a variant key of 101 characters',
    { key: 'a', variants: [{ key: 'v'.repeat(101), value: true }] },
    ['/variants/0/key'],
  ],
  ['too long a name', { key: 'a', name: 'x'.repeat(201) }, ['/name']],
  ['too long a description', { key: 'a', description: 'x'.repeat(2_001) }, ['/description']],
  ['too many and too long tags', { key: 'a', tags: times(21, String) }, ['/tags']],
  ['an empty and a long tag', { key: 'a', tags: ['', 'x'.repeat(51)] }, ['/tags/0', '/tags/1']],
  ['too long a comment', { key: 'a', comment: 'x'.repeat(501) }, ['/comment']],
  ['another kind', { key: 'a', kind: 'none', valueType: 'date' }, ['/valueType', '/kind']],
  [
    'an environment that is not there',
    { key: 'a', environments: { 'no/w~here': {} } },
    ['/environments/no~1w~0here'],
  ],
  [
    'a state that names unknown variants',
    {
      key: 'a',
      environments: {
        staging: {
          offVariant: 'x',
          overrides: [{ values: ['u'], variant: 'y' }],
          rules: [rule(leaf, split(['on', 50_000], ['z', 50_000]))],
          fallthrough: { variant: '__proto__' },
        },
      },
    },
    ['offVariant', 'overrides/0/variant', 'rules/0/serve/split/weights/1/variant', 'fallthrough/variant'].map(
      (end) => `/environments/staging/${end}`,
    ),
  ],
]

test.for(badFlags)('a flag may not have %s', async ([, flag, pointers]) => {
  const before = await kit.stored()
  expect(pointersOf(await kit.call('POST', `${shop}/flags`, { body: flag }))).toEqual(pointers)
  const flags = [{ key: 'fine' }, flag]
  const imported = await kit.call('POST', `${shop}/flags/import`, { body: { flags } })
  expect(pointersOf(imported)).toEqual(pointers.map((pointer) => `/flags/1${pointer}`))
  expect(await kit.stored()).toEqual(before)
})

const ramp = (...times: (string | number)[]) => ({
  ramp: { from: 'off', to: 'on', steps: times.map((at, i) => ({ at, share: i })) },
})
const seed = '0123456789abcdef'

/** What may not be in a state, and the pointers that say so. */
const badStates: [string, object, string[]][] = [
  [
    'weights that do not sum',
    { fallthrough: split(['on', 50_000], ['off', 49_999]) },
    ['/fallthrough/split/weights'],
  ],
  [
    'one variant weighed twice',
    { fallthrough: split(['on', 50_000], ['on', 50_000]) },
    ['/fallthrough/split/weights'],
  ],
  [
    'a negative weight',
    { fallthrough: split(['on', 100_001], ['off', -1]) },
    ['/fallthrough/split/weights/0/weight', '/fallthrough/split/weights/1/weight'],
  ],
  [
    'half a weight',
    { fallthrough: split(['on', 99_999.5], ['off', 0.5]) },
    ['/fallthrough/split/weights/0/weight', '/fallthrough/split/weights/1/weight'],
  ],
  ['no weights', { fallthrough: split() }, Array(2).fill('/fallthrough/split/weights')],
  [
    'two ways to serve',
    { fallthrough: { variant: 'on', ...split(['on', 100_000]) } },
    ['/fallthrough/split'],
  ],
  ['no way to serve', { fallthrough: {} }, ['/fallthrough/variant']],
  ['an unknown operator', { rules: [rule({ ...leaf, op: 'like' })] }, ['/rules/0/when/op']],
  ['an operand of the wrong type', { rules: [rule({ ...leaf, op: 'gt' })] }, ['/rules/0/when/value']],
  [
    'an empty list of operands',
    { rules: [rule({ attribute: 'a', op: 'in', values: [] })] },
    ['/rules/0/when/values'],
  ],
  [
    '1,001 operands',
    { rules: [rule({ attribute: 'a', op: 'in', values: times(1_001, String) })] },
    ['/rules/0/when/values'],
  ],
  ['a leaf that is a list too', { rules: [rule({ all: [], ...leaf })] }, ['/rules/0/when']],
  ['a condition of depth 11', { rules: [rule(nest(11))] }, ['/rules/0/when']],
  ['201 leaves in a rule', { rules: [rule({ any: times(201, () => leaf) })] }, ['/rules/0/when']],
  ['101 rules', { rules: times(101, () => rule(leaf)) }, ['/rules']],
  ['101 overrides', { overrides: times(101, (i) => ({ values: [i], variant: 'on' })) }, ['/overrides']],
  ['an override of nobody', { overrides: [{ values: [], variant: 'on' }] }, ['/overrides/0/values']],
  ['an override of a list', { overrides: [{ values: [[]], variant: 'on' }] }, ['/overrides/0/values/0']],
  ['a rule id of its own making', { rules: [{ id: 'mine', ...rule(leaf) }] }, ['/rules/0/id']],
  [
    'one rule id twice',
    { rules: times(2, () => ({ id: `rul_${'0'.repeat(26)}`, ...rule(leaf) })) },
    ['/rules/1/id'],
  ],
  ['an unknown variant', { offVariant: 'nope' }, ['/offVariant']],
  [
    'ramp times out of order',
    { fallthrough: ramp('2026-11-20T12:00:00Z', '2026-11-20T14:00:00+02:00', 5) },
    ['/fallthrough/ramp/steps/1/at', '/fallthrough/ramp/steps/2/at'],
  ],
  ['a ramp without steps', { fallthrough: ramp() }, ['/fallthrough/ramp/steps']],
  ['51 steps of a ramp', { fallthrough: ramp(...times(51, (i) => i)) }, ['/fallthrough/ramp/steps']],
  [
    'a time without offset, or on no calendar',
    { fallthrough: ramp('2026-11-20T12:00:00', '2026-02-30T12:00:00Z') },
    ['/fallthrough/ramp/steps/0/at', '/fallthrough/ramp/steps/1/at'],
  ],
  [
    'unknown variants in a ramp',
    { fallthrough: { ramp: { from: 'x', to: 'y', steps: [{ at: 1, share: 1 }] } } },
    ['/fallthrough/ramp/from', '/fallthrough/ramp/to'],
  ],
  [
    'a ramp from a variant to itself',
    { fallthrough: { ramp: { from: 'on', to: 'on', steps: [{ at: 1, share: 1 }] } } },
    ['/fallthrough/ramp/to'],
  ],
  [
    'two samples of one seed',
    { rules: times(2, () => ({ ...rule(leaf), sample: { share: 1, seed } })) },
    ['/rules/1/sample/seed'],
  ],
  [
    'a sample of more than all',
    { rules: [{ ...rule(leaf), sample: { share: 100_001 } }] },
    ['/rules/0/sample/share'],
  ],
  [
    'an override until no time',
    { overrides: [{ values: ['u'], variant: 'on', until: 'soon' }] },
    ['/overrides/0/until'],
  ],
  [
    '21 prerequisites',
    { prerequisites: times(21, (i) => ({ flag: `p${i}`, variants: ['on'] })) },
    ['/prerequisites'],
  ],
  [
    'a prerequisite of no variant',
    { prerequisites: [{ flag: 'p', variants: [] }] },
    ['/prerequisites/0/variants'],
  ],
  ['an unknown field deep inside', { rules: [{ ...rule(leaf), nope: 1 }] }, ['/rules/0/nope']],
  ['a null', { rules: null, enabled: null }, ['/enabled', '/rules']],
  ['a definition', { variants: [] }, ['/variants']],
]

test.for(badStates)('a state may not have %s', async ([, patch, pointers]) => {
  const before = await kit.stored()
  const options = { body: patch, headers: ifMatch }
  expect(pointersOf(await kit.call('PATCH', `${production}/flags/checkout`, options))).toEqual(pointers)
  expect(await kit.stored()).toEqual(before)
})

/** Comparisons of a right form, which the engine would not take. */
const badLeaves: [string, object][] = [
  ['a pattern that is not RE2', { op: 'matches', value: '(?=a)' }],
  ['a version that is none', { op: 'semverGt', value: 'latest' }],
  ['a range that is none', { op: 'semverRange', value: '>>1' }],
  ['a network that is none', { op: 'inCidr', values: ['10.0.0.0/8', '10.0.0.0/33'] }],
  ['a zone that is none', { op: 'weekdayIn', values: ['monday'], zone: 'Mars/Olympus' }],
  ['a divisor of zero', { op: 'modulo', values: [0, 1] }],
]

test.for(badLeaves)('what the engine would refuse is refused: %s', async ([, operands]) => {
  const before = await kit.stored()
  const rules = [rule(leaf), rule({ all: [leaf, { not: { attribute: 'a', ...operands } }] })]
  const reply = await kit.call('PATCH', `${production}/flags/checkout`, { body: { rules }, headers: ifMatch })
  expect(pointersOf(reply)).toEqual(['/rules/1/when/all/1/not'])
  expect(reply.body.errors[0].detail.length).toBeGreaterThan(10)
  expect(await kit.stored()).toEqual(before)
})

test('what is at a limit is allowed', async () => {
  const flag = {
    key: 'k'.repeat(100),
    name: 'x'.repeat(200),
    valueType: 'json',
    variants: times(64, (i) => ({ key: `${i}`.padEnd(100, 'v'), value: i })),
    tags: times(20, (i) => `${i}`.padEnd(50, 't')),
  }
  await kit.ok('POST', `${shop}/flags`, { body: flag })
  const rules = [...times(98, () => rule(leaf)), rule(nest(10)), rule({ any: times(200, () => leaf) })]
  await kit.ok('PATCH', `${production}/flags/checkout`, { body: { rules }, headers: ifMatch })
  await kit.ok('POST', `${production}/evaluate`, { body: { context: { country: 'FR' } } })
})

test('a key is taken, also in another case and by an archived flag', async () => {
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'Taken' } })
  await kit.ok('DELETE', `${shop}/flags/Taken`)
  const before = await kit.stored()
  for (const key of ['Taken', 'taken', 'TAKEN'])
    expectProblem(await kit.call('POST', `${shop}/flags`, { body: { key } }), 'flag_exists')
  const flags = [{ key: 'same' }, { key: 'SAME' }]
  expectProblem(await kit.call('POST', `${shop}/flags/import`, { body: { flags } }), 'flag_exists')
  expect(await kit.stored()).toEqual(before)
  expectProblem(await kit.call('GET', `${shop}/flags/taken`), 'flag_not_found')
})

test('a variant that a state serves cannot be taken away, and the answer names the environment', async () => {
  const before = await kit.stored()
  const body = { variants: [{ key: 'short', value: 'Hi' }] }
  await kit.ok('PATCH', `${shop}/flags/banner`, {
    body: { variants: [...body.variants, { key: 'long', value: 'Hey' }] },
    headers: ifMatch,
  })
  await kit.ok('PATCH', `${production}/flags/banner`, {
    body: { fallthrough: { variant: 'long' } },
    headers: ifMatch,
  })
  const stored = await kit.stored()
  const reply = await kit.call('PATCH', `${shop}/flags/banner`, { body, headers: ifMatch })
  expect(pointersOf(reply)).toEqual(['/variants'])
  expect(reply.body.errors[0].detail).toContain('production uses it at /fallthrough/variant')
  expect(await kit.stored()).toEqual(stored)
  expect(stored).not.toEqual(before)
})

test('an archived flag stays as it is until it is restored', async () => {
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'kept' } })
  await kit.ok('DELETE', `${shop}/flags/kept`)
  const before = await kit.stored()
  const patch = { body: { name: 'x' }, headers: ifMatch }
  expectProblem(await kit.call('PATCH', `${shop}/flags/kept`, patch), 'flag_archived')
  expectProblem(
    await kit.call('PATCH', `${production}/flags/kept`, { ...patch, body: { enabled: true } }),
    'flag_archived',
  )
  expectProblem(await kit.call('POST', `${production}/flags/kept/toggle`), 'flag_archived')
  expect(await kit.stored()).toEqual(before)
})
