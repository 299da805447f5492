import { expect, test } from 'vitest'
import { answerOf, makeStorage, openPage, questionsOf, sameAs, settle, type Asked } from './test-kit.ts'

const user = (name: string, more: object = {}) => ({ targetingKey: name, ...more })

/** A page that has user 1's answers; its `ask` is the last question. */
async function openAnswered(options: Parameters<typeof openPage>[0] = {}) {
  const page = openPage({ context: user('user-1'), ...options })
  page.asked[0]?.answer(answerOf({ name: 'one' }))
  await settle()
  const last = () => questionsOf(page.asked).at(-1) as Asked // one was asked
  return { ...page, last, read: () => page.client.string('name', 'default') }
}

test('another targetingKey has none of the values of the one before, from that moment on', async () => {
  const { client, last, read } = await openAnswered()
  const changed: unknown[] = []
  client.on('change', ({ flags }) => changed.push(flags))
  const moved = client.setContext(user('user-2'))
  expect([read(), client.status().state, changed]).toEqual(['default', 'starting', [['name']]])
  expect(client.stringDetails('name', '').errorCode).toBe('PROVIDER_NOT_READY')
  expect(last().headers.get('If-None-Match')).toBe(null)
  last().answer(answerOf({ name: 'two' }))
  await moved
  expect(read()).toBe('two')
})

test('with the same targetingKey the values stay until the new ones are there', async () => {
  const { client, last, read } = await openAnswered()
  const moved = client.setContext(user('user-1', { plan: 'pro' }))
  expect([read(), client.status().state]).toEqual(['one', 'offline'])
  last().answer(answerOf({ name: 'pro' }))
  await moved
  expect([read(), client.status().state]).toEqual(['pro', 'polling'])
})

test('the same context in another order is the same, and asks for nothing', async () => {
  const { client, asked } = await openAnswered({ context: user('user-1', { a: { x: 1, y: 2 } }) })
  await client.setContext({ a: { y: 2, x: 1 }, targetingKey: 'user-1' })
  expect(questionsOf(asked)).toHaveLength(1)
})

test('a late answer for the context before is dropped', async () => {
  const { client, asked, read } = await openAnswered()
  const first = client.setContext(user('user-2'))
  const second = client.setContext(user('user-3'))
  const [, two, three] = questionsOf(asked)
  expect(two?.signal.aborted).toBe(true)
  three?.answer(answerOf({ name: 'three' }))
  await Promise.all([first, second])
  two?.answer(answerOf({ name: 'two' }, { version: '1.9' }))
  await settle()
  expect(read()).toBe('three')
})

test('a late answer is dropped also where requests cannot be called off', async () => {
  const late: ((response: Response) => void)[] = []
  const { client } = openPage({}, { fetch: () => new Promise((resolve) => late.push(resolve)) })
  const moved = client.setContext(user('user-2'))
  late[0]?.(answerOf({ name: 'one' }))
  await settle()
  expect(client.string('name', 'default')).toBe('default')
  late[1]?.(answerOf({ name: 'two' }))
  await moved
  expect(client.string('name', 'default')).toBe('two')
})

test('a setContext whose place was taken resolves with what took it', async () => {
  const { client, last, read } = await openAnswered()
  const seen: string[] = []
  void client.setContext(user('user-2')).then(() => seen.push(read()))
  void client.setContext(user('user-3'))
  await settle()
  expect(seen).toEqual([])
  last().answer(answerOf({ name: 'three' }))
  await settle()
  expect(seen).toEqual(['three'])
})

test('what a listener puts in the place of an answer is not kept as that', async () => {
  const storage = makeStorage()
  const two = openPage({ storage, context: user('user-2') })
  two.asked[0]?.answer(answerOf({ name: 'two' }))
  await settle()
  const { client, asked } = openPage({ storage, context: user('user-1') })
  client.on('change', () => void client.setContext(user('user-2')))
  asked[0]?.answer(answerOf({ name: 'one' }))
  await settle()
  const { client: one } = openPage({ storage, context: user('user-1') })
  expect(one.string('name', 'default')).toBe('default')
})

test('setContext resolves when the first try failed, and when the client is closed', async () => {
  const { client, last, read } = await openAnswered()
  const moved = client.setContext(user('user-2'))
  last().fail()
  await moved
  expect(read()).toBe('default')
  const again = client.setContext(user('user-3'))
  void client.close()
  await again
  expect(client.status().state).toBe('closed')
})

test('what is no context is logged, and has the values of nobody, as soon as it is set', async () => {
  const logged: string[] = []
  const logger = { debug: () => {}, warn: () => {}, error: (text: string) => logged.push(text) }
  const { client, read, asked } = await openAnswered({ logger })
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  for (const wrong of [null, undefined, 'user-1', [], circle, user('user-2', { big: 1n })]) {
    const moved = client.setContext(user('user-1', { again: logged.length }))
    questionsOf(asked)
      .at(-1)
      ?.answer(answerOf({ name: 'one' }))
    await moved // oxlint-disable-line no-await-in-loop -- one after the other
    expect(read()).toBe('one')
    const left = client.setContext(wrong as never)
    expect([read(), client.status().state]).toEqual(['default', 'starting'])
    await left // oxlint-disable-line no-await-in-loop -- the same
  }
  expect(logged).toHaveLength(6)
  expect(logged[0]).toMatch(/context is null: must be a JSON object/)
  expect(client.status().error).toMatch(/BigInt: must be a JSON object/)
})

test('what was asked before an unreadable context is nobody’s answer, and nothing more is asked', async () => {
  const { client, asked, last, read, pass } = await openAnswered()
  const two = client.setContext(user('user-2'))
  const late = last()
  await Promise.all([client.setContext(undefined as never), two])
  expect(late.signal.aborted).toBe(true)
  late.answer(answerOf({ name: 'two' }))
  await pass(600_000)
  expect([read(), questionsOf(asked).length]).toEqual(['default', 2])
  const three = client.setContext(user('user-3'))
  last().answer(answerOf({ name: 'three' }))
  await three
  expect([read(), client.status().error]).toEqual(['three', undefined])
})

test('nobody is also not a user without a targetingKey', async () => {
  const { client, read } = await openAnswered({ context: {} })
  void client.setContext(null as never)
  expect(read()).toBe('default')
})

test('a listener that sets another context keeps no answer under its name, and waits for its own', async () => {
  const storage = makeStorage()
  const { client, asked } = openPage({ storage, context: user('user-1', { plan: 'free' }) })
  const told: string[] = []
  const stop = client.on('change', () => {
    stop()
    void client.setContext(user('user-1', { plan: 'pro' })).then(() => told.push(client.string('name', '')))
  })
  asked[0]?.answer(answerOf({ name: 'free' }))
  await settle()
  expect(told).toEqual([])
  const other = openPage({ storage, context: user('user-1', { plan: 'pro' }) })
  expect(other.client.string('name', 'default')).toBe('default')
  asked[1]?.answer(answerOf({ name: 'pro' }))
  await settle()
  expect(told).toEqual(['pro'])
})

test('a page starts with what was kept for its context, and asks whether it still holds', async () => {
  const storage = makeStorage()
  await openAnswered({ storage })
  const { client, asked } = openPage({ storage, context: user('user-1') })
  expect([client.string('name', ''), client.status().origin, client.status().state]).toEqual([
    'one',
    'store',
    'offline',
  ])
  expect(asked[0]?.headers.get('If-None-Match')).toBe('"1.1"')
  asked[0]?.answer(sameAs('1.1'))
  await settle()
  expect(client.status().state).toBe('polling')
})

test('what was kept is given to no other user, edge or key', async () => {
  const storage = makeStorage()
  await openAnswered({ storage })
  const others = [
    { context: user('user-2') },
    { context: user('user-1', { plan: 'pro' }) },
    { edge: 'https://other.example' },
    { key: 'hyd_cli_other' },
  ]
  for (const other of others) {
    const { client } = openPage({ storage, context: user('user-1'), ...other })
    expect(client.string('name', 'default')).toBe('default')
  }
})

test('a return to a context gives what was kept for it at once', async () => {
  const { client, last, read } = await openAnswered({ storage: makeStorage() })
  const moved = client.setContext(user('user-2'))
  last().answer(answerOf({ name: 'two' }))
  await moved
  void client.setContext(user('user-1'))
  expect(read()).toBe('one')
})

test('the five contexts used last are kept', async () => {
  const storage = makeStorage()
  const { client, last } = await openAnswered({ storage })
  for (const name of ['user-2', 'user-3', 'user-4', 'user-5', 'user-1', 'user-6']) {
    const moved = client.setContext(user(name))
    last().answer(answerOf({ name }))
    await moved // oxlint-disable-line no-await-in-loop -- one after the other
  }
  const kept = (name: string) => openPage({ storage, context: user(name) }).client.string('name', 'gone')
  expect(['user-1', 'user-2', 'user-3', 'user-4', 'user-5', 'user-6'].map(kept)).toEqual([
    'user-1',
    'gone',
    'user-3',
    'user-4',
    'user-5',
    'user-6',
  ])
})

const forbidden = () => {
  throw new Error('SecurityError')
}

test('a storage that is full, forbidden or garbled is none', async () => {
  const full = { ...makeStorage(), isFull: true }
  const { read } = await openAnswered({ storage: full })
  expect(read()).toBe('one')
  expect((await openAnswered({ storage: { getItem: forbidden, setItem: forbidden } })).read()).toBe('one')
  const good = makeStorage()
  await openAnswered({ storage: good })
  const [item = ''] = good.items.values()
  const garbled = [
    '',
    '{',
    'null',
    '[]',
    '{"format":1}',
    '{"format":2,"copies":[]}',
    item.replace('"key"', '"kex"'),
  ]
  for (const text of [...garbled, item.slice(0, -9)]) {
    const { client } = openPage({ storage: { getItem: () => text, setItem: () => {} } })
    expect(client.string('name', 'default'), text).toBe('default')
  }
})

test('a full storage keeps nothing older than what could not be kept', async () => {
  const storage = makeStorage()
  const page = await openAnswered({ storage })
  const room = [...storage.items.values()].join('').length
  const setItem = storage.setItem.bind(storage)
  storage.setItem = (name, value) => {
    if (value.length > room) throw new Error('QuotaExceededError')
    setItem(name, value)
  }
  page.streams[0]?.say('changed', '1.2')
  await page.pass(500)
  page.last().answer(answerOf({ name: 'x'.repeat(room) }, { version: '1.2' }))
  await settle()
  expect(openPage({ storage, context: user('user-1') }).client.string('name', 'default')).toBe('default')
})

test('with a bootstrap the first read gives its values, and the edge has the last word', async () => {
  const flags = { name: { value: 'server', variant: 'v', reason: 'TARGETING_MATCH' } } as const
  const { client, asked } = openPage({ bootstrap: { version: '1.0', targetingKey: 'user-1', flags } })
  expect(client.stringDetails('name', '')).toMatchObject({ value: 'server', variant: 'v' })
  expect(client.status()).toMatchObject({ origin: 'bootstrap', version: '1.0', state: 'offline' })
  expect(await client.ready()).toBe(true)
  asked[0]?.answer(answerOf({ name: 'edge' }))
  await settle()
  expect(client.string('name', '')).toBe('edge')
  expect(client.bootstrapped['name']?.value).toBe('server')
})

test('a bootstrap that was made for another user is ignored', () => {
  const flags = { name: { value: 'of user 1', variant: 'v', reason: 'STATIC' } } as const
  const bootstrap = { version: '1.0', targetingKey: 'user-1', flags }
  for (const context of [user('user-2'), {}]) {
    const { client, asked } = openPage({ bootstrap, context })
    expect([client.string('name', 'default'), client.bootstrapped['name']]).toEqual(['default', undefined])
    expect(asked[0]?.headers.get('Halyard-Min-Version')).toBe(null)
  }
  const nobodys = openPage({ bootstrap: { version: '1.0', flags }, context: user('user-2') })
  expect(nobodys.client.string('name', 'default')).toBe('default')
})

test('what is no version token is no version, in a bootstrap and in a storage', async () => {
  const flags = { name: { value: 'server', variant: 'v', reason: 'STATIC' } } as const
  const storage = makeStorage()
  await openAnswered({ storage })
  const [item = ''] = storage.items.values()
  for (const version of ['dev', 7, '1.2.3', ' 1.1']) {
    const bootstrap = { version: version as string, targetingKey: 'user-1', flags }
    const garbled = item.replaceAll('"version":"1.1"', `"version":${JSON.stringify(version)}`)
    const stored = { getItem: () => garbled, setItem: () => {} }
    for (const options of [{ bootstrap }, { storage: stored }]) {
      const { client, asked } = openPage(options)
      expect(client.string('name', 'default')).not.toBe('default')
      expect(asked[0]?.headers.get('Halyard-Min-Version')).toBe(null)
      asked[0]?.answer(answerOf({ name: 'edge' }))
      await settle() // oxlint-disable-line no-await-in-loop -- one after the other
      expect(client.string('name', '')).toBe('edge')
    }
  }
})

test('a bootstrap without anything, or that is none, is as if there were none', async () => {
  for (const bootstrap of [{ version: null, flags: {} }, { version: '1.0' } as never]) {
    const { client } = openPage({ bootstrap })
    expect(client.status().state).toBe('starting')
  }
})
