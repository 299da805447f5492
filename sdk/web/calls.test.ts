import { expect, onTestFinished, test, vi } from 'vitest'
import { createWebClient } from './create-web-client.ts'
import { answerOf, edge, key, openPage, settle } from './test-kit.ts'
import { makeWebPorts } from './web-ports.ts'

const context = { targetingKey: 'user-1' }

async function openWith(flags: Readonly<Record<string, unknown>>) {
  const page = openPage()
  page.asked[0]?.answer(answerOf(flags))
  await settle()
  return page
}

test('each call gives values of its own type, and the default for all others', async () => {
  const { client } = await openWith({ on: true, text: 'x', count: 2, json: { a: [1] }, nothing: null })
  expect(client.boolean('on', false)).toBe(true)
  expect(client.string('text', '')).toBe('x')
  expect(client.number('count', 0)).toBe(2)
  expect(client.json('json', {})).toEqual({ a: [1] })
  expect([client.isEnabled('on'), client.isEnabled('text'), client.isEnabled('absent')]).toEqual([
    true,
    false,
    false,
  ])
  expect([client.variant('text'), client.variant('absent')]).toEqual(['x', undefined])
  expect(client.stringDetails('on', 'mine')).toMatchObject({
    value: 'mine',
    errorCode: 'TYPE_MISMATCH',
    reason: 'ERROR',
  })
  expect(client.jsonDetails('nothing', {})).toMatchObject({ value: {}, errorCode: 'TYPE_MISMATCH' })
  expect(client.numberDetails('absent', 7)).toMatchObject({ value: 7, errorCode: 'FLAG_NOT_FOUND' })
})

test('a flag in error gives the default and says why', async () => {
  const page = openPage()
  const flags = [{ key: 'share', errorCode: 'TARGETING_KEY_MISSING', errorDetails: 'no key' }]
  page.asked[0]?.answer(Response.json({ flags }))
  await settle()
  expect(page.client.booleanDetails('share', true)).toMatchObject({
    value: true,
    reason: 'ERROR',
    errorCode: 'TARGETING_KEY_MISSING',
    errorMessage: 'no key',
  })
  expect(page.client.variant('share')).toBe(undefined)
})

test('names that objects have from birth are names like others', async () => {
  const { client } = await openWith(JSON.parse('{"__proto__": true, "other": true}'))
  expect([client.boolean('__proto__', false), client.boolean('toString', false)]).toEqual([true, false])
  expect(Object.keys(client.all())).toEqual(['__proto__', 'other'])
})

test('values are frozen', async () => {
  const { client } = await openWith({ json: { list: [{ a: 1 }] } })
  const { list } = client.json('json', { list: [{ a: 0 }] })
  expect([Object.isFrozen(client.all()), Object.isFrozen(list), Object.isFrozen(list[0])]).toEqual([
    true,
    true,
    true,
  ])
})

/** With options as JavaScript may give them. */
const make = (options: object) => () =>
  createWebClient({ edge, key, context, ...options } as Parameters<typeof createWebClient>[0])

test('options that are wrong are refused with what is allowed, and a server key is not shown', () => {
  expect(make({ edge: 'flags.example' })).toThrow(/edge is flags\.example: it must be an origin/)
  expect(make({ edge: 'https://flags.example/path' })).toThrow(/^edge/)
  expect(make({ edge: undefined })).toThrow(/edge is undefined/)
  expect(make({ key: 'hyd_srv_secret' })).toThrow(/key is hyd_srv_…: .*client key/)
  expect(make({ key: 'hyd_srv_secret' })).not.toThrow(/secret/)
  expect(make({ context: undefined })).toThrow(/context is undefined: must be a JSON object/)
})

test('a listener that throws is logged, and the others are told', async () => {
  const logged: string[] = []
  const { client, asked } = openPage({
    logger: { debug: () => {}, warn: () => {}, error: (text) => logged.push(text) },
  })
  let told = 0
  client.on('change', () => {
    throw new Error('mine')
  })
  const stop = client.on('change', () => told++)
  asked[0]?.answer(answerOf({ a: 1 }))
  await settle()
  expect([told, logged]).toEqual([1, [expect.stringContaining('mine')]])
  stop()
  void client.setContext({ targetingKey: 'user-2' })
  expect(told).toBe(1)
})

test('ready answers false when its time is up, at once when the key is refused, and true once there are flags', async () => {
  const { client, asked, pass } = openPage()
  const inTime = client.ready({ timeoutMs: 100 })
  await pass(100)
  expect(await inTime).toBe(false)
  const later = client.ready()
  asked[0]?.answer(answerOf({ a: 1 }))
  expect(await later).toBe(true)
  const refused = openPage()
  const never = refused.client.ready()
  refused.asked[0]?.answer(Response.json({ errorCode: 'KEY_INVALID' }, { status: 401 }))
  expect(await never).toBe(false)
})

test('a wait longer than a timer takes is as long as that', () => {
  const timed = vi.spyOn(globalThis, 'setTimeout')
  onTestFinished(() => timed.mockRestore())
  for (const ms of [Infinity, 2 ** 31]) makeWebPorts().after(ms, () => {})()
  expect(timed.mock.calls.map(([, ms]) => ms)).toEqual([2 ** 31 - 1, 2 ** 31 - 1])
})
