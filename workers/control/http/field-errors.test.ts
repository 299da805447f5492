import { beforeAll, expect, test } from 'vitest'
import { limits } from '@halyard/shared/contract/limits.ts'
import { makeShop, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
const all = { all: [] }
const serve = { variant: 'on' }

beforeAll(() => makeShop(kit))

async function errorsOf(when: unknown): Promise<[string, string][]> {
  const body = { rules: [{ when, serve }] }
  const reply = await kit.call('PATCH', `${production}/flags/checkout`, {
    body,
    headers: { 'if-match': '*' },
  })
  expect(reply.status).toBe(400)
  return reply.body.errors.map(({ pointer, detail }: { pointer: string; detail: string }) => [
    pointer,
    detail,
  ])
}

const post = async (path: string, body: object) => (await kit.call('POST', path, { body })).body.errors

const of = 'attribute'
const leaves: [string, object, [string, string][]][] = [
  [
    'another member than the operator takes',
    { [of]: 'country', op: 'eq', values: ['CA'] },
    [['/values', 'eq takes "value", one text, number or boolean, not "values"']],
  ],
  [
    'one value for a list',
    { [of]: 'country', op: 'in', value: 'CA' },
    [['/value', 'in takes "values", a list of 1 to 1,000 texts, numbers or booleans, not "value"']],
  ],
  [
    'no operand',
    { [of]: 'a', op: 'eq' },
    [['/value', 'is required: eq takes "value", one text, number or boolean']],
  ],
  [
    'an operand of another type',
    { [of]: 'a', op: 'gt', value: '5' },
    [['/value', 'gt takes "value", one number']],
  ],
  [
    'an operand too many',
    { [of]: 'a', op: 'gt', value: 5, values: [6] },
    [['/values', 'gt takes "value", one number, not "values"']],
  ],
  [
    'an operand that is not taken',
    { [of]: 'a', op: 'exists', value: true },
    [['/value', 'exists takes no operand']],
  ],
  [
    'too few items',
    { [of]: 'a', op: 'between', values: [1] },
    [['/values', 'between takes "values", a list of two numbers, the lower first']],
  ],
  [
    'a wrong item',
    { [of]: 'a', op: 'in', values: ['x', null] },
    [['/values/1', 'must be a text or a number or true or false']],
  ],
  [
    'other wrong members too',
    { op: 'gt', values: 5, colour: 'red', ignoreCase: true },
    [
      ['/attribute', 'is required'],
      ['/values', 'gt takes "value", one number, not "values"'],
      ['/colour', 'is not a field here'],
      ['/ignoreCase', 'is not a field here'],
    ],
  ],
]

test.for(leaves)('a comparison with %s is told what its operator takes', async ([, leaf, expected]) => {
  const at = (base: string) => expected.map(([pointer, detail]) => [base + pointer, detail])
  expect(await errorsOf(leaf)).toEqual(at('/rules/0/when'))
  // Where it stands among others makes no difference.
  expect(await errorsOf({ any: [all, { not: leaf }] })).toEqual(at('/rules/0/when/any/1/not'))
})

test('an unknown operator is told those that there are', async () => {
  for (const op of ['like', 'toString', 7, undefined]) {
    const [[pointer, detail] = [], ...more] = await errorsOf({ [of]: 'a', op, value: 1 })
    expect({ pointer, more }).toEqual({ pointer: '/rules/0/when/op', more: [] })
    expect(detail).toMatch(/; there is eq, in, .*, isType$/)
  }
})

test('what is no condition is told what one may be', async () => {
  for (const when of [{}, { colour: 'red' }, 'beta', [], null]) {
    const [[pointer, detail] = [], ...more] = await errorsOf({ all: [when] })
    expect({ pointer, more }).toEqual({ pointer: '/rules/0/when/all/0', more: [] })
    expect(detail).toContain('a condition is {"all": […]}, {"any": […]}, {"not": …}')
  }
  const [[, both] = []] = await errorsOf({ all: [], segment: 'beta' })
  expect(both).toContain('has "all", "segment" at once, and may be one of them')
})

test('the branch that is meant speaks, however much is wrong in it', async () => {
  expect(await errorsOf({ flag: 'checkout' })).toEqual([['/rules/0/when/variants', 'is required']])
  expect(await errorsOf({ segment: 7 })).toEqual([['/rules/0/when/segment', 'must be a text']])
  expect(await errorsOf({ not: [] })).toMatchObject([
    ['/rules/0/when/not', expect.stringContaining('a condition is')],
  ])
})

test('bounds and types are told in our words', async () => {
  const slots = Array.from({ length: limits.slotsPerLayer + 1 }, (_, i) => ({
    name: `${i}`,
    from: i,
    to: i + 1,
  }))
  expect(await post(`${shop}/layers`, { key: 'l', slots })).toMatchObject([
    { pointer: '/slots', detail: 'at most 100 items are allowed' },
  ])
  const body = { key: 'l', name: 'x'.repeat(201), by: '', slots: [{ name: 'a', from: -1, to: 1.5 }] }
  expect(await post(`${shop}/layers`, body)).toMatchObject([
    { pointer: '/name', detail: 'must have at most 200 characters' },
    { pointer: '/by', detail: 'must have at least 1 character' },
    { pointer: '/slots/0/from', detail: 'must be at least 0' },
    { pointer: '/slots/0/to', detail: 'must be a whole number' },
  ])
  expect(
    await post(`${shop}/flags`, { key: 'f', kind: 'x', clientVisible: 'yes', variants: [] }),
  ).toMatchObject([
    { pointer: '/kind', detail: 'must be one of "release", "experiment", "operational", "permission"' },
    { pointer: '/variants', detail: 'at least 1 item is needed' },
    { pointer: '/clientVisible', detail: 'must be true or false' },
  ])
})
