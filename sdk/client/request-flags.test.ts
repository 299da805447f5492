import { expect, test } from 'vitest'
import { createTestClient } from '../testing/index.ts'
import { makeRequestFlags } from './request-flags.ts'

const fail = () => {
  throw new Error('mine')
}

test('flags come also where the context, what it throws, and the logger are all at fault', async () => {
  const client = createTestClient({ a: true })
  const flagsOf = makeRequestFlags({
    client,
    context: () => {
      throw Object.create(null)
    },
    logger: { debug: fail, warn: fail, error: fail },
  })
  const flags = await flagsOf({})
  expect(flags.boolean('a', false)).toBe(true)
})

test('a logger that is none is refused when the middleware is made', () => {
  expect(() => makeRequestFlags({ client: createTestClient({}), logger: {} as never })).toThrow(TypeError)
})
