import { Hono } from 'hono'
import { expect, test, vi } from 'vitest'
import type { FlagClient } from '../client/flag-client.ts'
import { createTestClient } from '../testing/index.ts'
import { halyard, type FlagsVariables } from './index.ts'

const user = (name: string) => ({ headers: { 'x-user': name } })
test('a toggle in the middle of a request shows in the next one', async () => {
  const client = createTestClient({ 'new-checkout': false })
  const app = new Hono().use(halyard({ client })).get('/', async (c) => {
    const before = c.get('flags').boolean('new-checkout', false)
    client.set('new-checkout', true)
    await Promise.resolve()
    return c.json([before, c.get('flags').boolean('new-checkout', false)])
  })
  await expect((await app.request('/')).json()).resolves.toEqual([false, false])
  await expect((await app.request('/')).json()).resolves.toEqual([true, true])
})

test('flags are evaluated for the context of their request', async () => {
  const client = createTestClient({ 'new-checkout': false })
  client.setFor('anna', 'new-checkout', true)
  const app = new Hono<{ Variables: FlagsVariables<{ 'new-checkout': boolean }> }>()
  app.use(halyard({ client, context: async (c) => ({ targetingKey: c.req.header('x-user') ?? '' }) }))
  app.get('/', (c) => c.json(c.get('flags').isEnabled('new-checkout')))
  await expect((await app.request('/', user('anna'))).json()).resolves.toBe(true)
  await expect((await app.request('/', user('ben'))).json()).resolves.toBe(false)
})

test.each([
  [
    'throws',
    () => {
      throw new Error('no session')
    },
  ],
  ['rejects', () => Promise.reject(new Error('no session'))],
  ['gives nothing', () => undefined],
])('a context function that %s is logged, and the request goes on without', async (_, context) => {
  const logger = {
    debug: vi.fn<() => void>(),
    warn: vi.fn<() => void>(),
    error: vi.fn<(message: string) => void>(),
  }
  const client = createTestClient({ 'new-checkout': true })
  const app = new Hono()
    .use(halyard({ client, context: context as never, logger })) // as JavaScript may call it
    .get('/', (c) => c.json(c.get('flags').boolean('new-checkout', false)))
  const response = await app.request('/')
  expect(response.status).toBe(200)
  await expect(response.json()).resolves.toBe(true)
  expect(logger.error).toHaveBeenCalledOnce()
})

test('keys and values are those of the type of the client', () => {
  const client = createTestClient<{ theme: 'dark' | 'light' }>({ theme: 'dark' })
  new Hono().use(halyard({ client })).get('/', (c) => {
    const theme: 'dark' | 'light' = c.get('flags').string('theme', 'light')
    // @ts-expect-error -- there is no such flag
    c.get('flags').string('them', 'light')
    return c.text(theme)
  })
})

test('a client without flags is waited for once, and again when it has some', async () => {
  const made = createTestClient({ 'new-checkout': true })
  const answers = [false, true]
  let version: string | null = null
  const client: FlagClient = Object.defineProperty(
    { ...made, ready: async () => answers.shift() ?? true },
    'version',
    { get: () => version },
  )
  const app = new Hono().use(halyard({ client })).get('/', (c) => c.text('served'))
  await app.request('/')
  await app.request('/')
  expect(answers).toEqual([true])
  version = '1.1'
  await app.request('/')
  expect(answers).toEqual([])
})
