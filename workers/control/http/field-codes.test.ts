import { beforeAll, expect, test } from 'vitest'
import { expectProblem, makeShop, shop, useKit } from '../test-kit.ts'

const kit = useKit()
beforeAll(() => makeShop(kit))

const boolean = { key: 'a-flag', valueType: 'boolean' }
const weights = [{ variant: 'on', weight: 1 }]
test.each([
  ['unknown_field', { ...boolean, colour: 'red' }],
  ['wrong_type', { ...boolean, name: 7 }],
  ['invalid_key', { ...boolean, key: 'no spaces' }],
  [
    'variant_type_mismatch',
    {
      ...boolean,
      variants: [
        { key: 'on', value: true },
        { key: 'off', value: 'no' },
      ],
    },
  ],
  ['weights_sum', { ...boolean, environments: { production: { fallthrough: { split: { weights } } } } }],
  ['invalid_input', { ...boolean, key: 'no spaces', colour: 'red' }],
] as const)('one kind of mistake is the code of the problem, several are not: %s', async (code, body) => {
  const problem = expectProblem(await kit.call('POST', `${shop}/flags`, { body }), code)
  expect(problem.errors?.length).toBeGreaterThan(0)
})
