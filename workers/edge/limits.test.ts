import { beforeAll, expect, test } from 'vitest'
import { requestLimits } from './request-limits.ts'
import { makeWorld, startEdge } from './test-kit.ts'

const paths = ['/ofrep/v1/evaluate/flags', '/ofrep/v1/evaluate/flags/steady', '/v1/evaluate']
const { call, fetch } = startEdge()
let key = ''

beforeAll(async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  key = server.text
})

const bodyOf = (context: unknown) =>
  `{"context":${typeof context === 'string' ? context : JSON.stringify(context)}}`
const nested = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`
const listed = (count: number, item: unknown) => ({ list: Array.from({ length: count }, () => item) })
const named = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`name${i}`, i]))
const filled = (bytes: number) => {
  const strings = Array.from({ length: 20 }, (_, i) => [`s${i}`, 'x'.repeat(Math.floor(bytes / 20) - 12)])
  const context: Record<string, unknown> = Object.fromEntries(strings)
  const rest = bytes - JSON.stringify({ ...context, pad: '' }).length
  return { ...context, pad: 'x'.repeat(rest) }
}

test.each([
  ['contextDepth', 400, nested(8), nested(9)],
  ['contextAttributes', 400, named(200), named(201)],
  ['contextAttributes', 400, { a: named(199) }, { a: named(200) }],
  ['contextListItems', 400, listed(100, 'x'), listed(101, 'x')],
  ['contextStringBytes', 400, { text: 'x'.repeat(2048) }, { text: 'x'.repeat(2049) }],
  ['contextStringBytes', 400, { text: 'ü'.repeat(1024) }, { text: 'ü'.repeat(1025) }],
  ['contextStringBytes', 400, { a: [{ b: 'x'.repeat(2048) }] }, { a: [{ b: 'x'.repeat(2049) }] }],
  ['contextBytes', 413, filled(32 * 1024), filled(32 * 1024 + 1)],
] as const)(
  '%s is held: at the limit it works, over it the answer is %i and names it',
  async (name, status, most, over) => {
    for (const path of paths) {
      expect((await call(path, { key, body: bodyOf(most) })).status).toBe(200)
      const answer = await call(path, { key, body: bodyOf(over) })
      expect(answer.status).toBe(status)
      expect(await answer.json()).toMatchObject({
        errorCode: status === 413 ? 'TOO_LARGE' : 'INVALID_CONTEXT',
        errorDetails: expect.stringContaining(name),
        limit: name,
        max: requestLimits[name],
      })
    }
  },
)

test('a body over the limit is 413 whether its length is announced or not', async () => {
  const text = `{"context":{},"rest":"${'x'.repeat(requestLimits.bodyBytes)}"}`
  const announced = await call('/v1/evaluate', { key, body: text })
  expect(announced.status).toBe(413)
  expect(await announced.json()).toMatchObject({ errorCode: 'TOO_LARGE', limit: 'bodyBytes' })
  let pulled = 0
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += 1
      controller.enqueue(new Uint8Array(16 * 1024).fill(32))
    },
  })
  const headers = { Authorization: `Bearer ${key}` }
  const streamed = await fetch(
    new Request('https://edge/v1/evaluate', { method: 'POST', headers, body: endless }),
  )
  expect(streamed.status).toBe(413)
  expect(pulled).toBeLessThan(10)
})

test('depth is measured on the text, with strings and escapes understood', async () => {
  const body = { context: { text: '[[[[[[[[[[{{{{{{"\\' } }
  expect((await call('/v1/evaluate', { key, body })).status).toBe(200)
  for (const opener of ['[', '{"a":']) {
    const answer = await call('/v1/evaluate', { key, body: `{"context":${opener.repeat(10_000)}` })
    expect(await answer.json()).toMatchObject({ errorCode: 'INVALID_CONTEXT', limit: 'contextDepth' })
  }
})

test.each(['', '{', '[]', '5', 'null', '"x"', '{"context":{}} x', '<html>', '\u0000', ']]]]{"a":{}}'])(
  'a body that is no JSON object is 400 PARSE_ERROR: %j',
  async (body) => {
    for (const path of paths) {
      const answer = await call(path, { key, body, method: 'POST' })
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ errorCode: 'PARSE_ERROR' })
    }
  },
)

test.each([null, 5, 'x', [], [{}], true])(
  'a context that is no object is 400 INVALID_CONTEXT: %j',
  async (context) => {
    for (const path of paths) {
      const answer = await call(path, { key, body: { context } })
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ errorCode: 'INVALID_CONTEXT' })
    }
  },
)

test('a missing context is an empty one', async () => {
  for (const path of paths) expect((await call(path, { key, body: {} })).status).toBe(200)
})

test('names that mean something to JavaScript are ordinary names', async () => {
  const context =
    '{"__proto__":{"country":"CA"},"constructor":{"country":"CA"},"toString":1,"hasOwnProperty":2}'
  const answer = await call('/v1/evaluate', { key, body: `{"flag":"banner","context":${context}}` })
  expect(await answer.json()).toMatchObject({ value: false, reason: 'DEFAULT' })
  const outside = await call('/v1/evaluate', {
    key,
    body: '{"__proto__":{"context":{"country":"CA"}},"flag":"banner"}',
  })
  expect(outside.status, 'and unknown beside the context').toBe(400)
})

const keys = (count: number) =>
  JSON.stringify({ flags: Array.from({ length: count }, (_, i) => `flag-${i}`) })
/** `length` is announced; without it the body comes in chunks of a length that nobody knows. */
const post = (body: BodyInit, path = '/v1/evaluate', length?: number) => {
  const announced = length === undefined ? {} : { 'Content-Length': String(length) }
  const headers = { Authorization: `Bearer ${key}`, ...announced }
  return fetch(new Request(`https://edge${path}`, { method: 'POST', headers, body }))
}

test('of 100 MB no more is read than the limit, with and without Content-Length', async () => {
  let pulled = 0
  const megabyte = new Uint8Array(1024 * 1024).fill(32)
  const source = () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => (++pulled > 100 ? controller.close() : controller.enqueue(megabyte)),
    })
  for (const length of [undefined, 100 * megabyte.length]) {
    pulled = 0
    const answer = await post(source(), '/v1/evaluate', length)
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ errorCode: 'TOO_LARGE', limit: 'bodyBytes', max: 65_536 })
    expect(pulled).toBeLessThan(10)
  }
})

test.each(['NaN', 'Infinity', '-Infinity', '+1', '0x10', '01', '.5', '1.', 'undefined', "'x'", '1n', '[1,]'])(
  'what JSON does not know is 400 PARSE_ERROR: %s',
  async (text) => {
    const answer = await post(`{"flag":"steady","context":{"a":${text}}}`)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ errorCode: 'PARSE_ERROR' })
  },
)

test.each([
  '1e999',
  '-1e999',
  '-0',
  '1e-999',
  '9007199254740993',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
])('what JSON does know is evaluated, however odd: %s', async (text) => {
  for (const path of [...paths, '/ofrep/v1/evaluate/flags/share'])
    expect((await post(`{"context":{"targetingKey":"user-1","a":${text}}}`, path)).status).toBe(200)
})

test('of repeated names the last holds, and each counts for the depth', async () => {
  const body = '{"flag":"banner","context":{"country":"DE"},"context":{"country":"DE","country":"CA"}}'
  expect(await (await post(body)).json()).toMatchObject({ value: true })
  const deep = await post(`{"context":${nested(9)},"context":{}}`)
  expect(await deep.json()).toMatchObject({ limit: 'contextDepth' })
})

test.each([
  ['a depth of 1,000,000', '{"context":' + '['.repeat(60_000), 'INVALID_CONTEXT', 'contextDepth'],
  ['a depth of closers', `{"context":{}}${']'.repeat(60_000)}`, 'PARSE_ERROR', undefined],
  ['a string without an end', `{"context":{"a":"${'x'.repeat(60_000)}`, 'PARSE_ERROR', undefined],
  ['backslashes', `{"context":{"a":"${'\\'.repeat(60_001)}`, 'PARSE_ERROR', undefined],
  ['many names', bodyOf(named(3_500)), 'TOO_LARGE', 'contextBytes'],
  ['many short names', bodyOf(named(1_500)), 'INVALID_CONTEXT', 'contextAttributes'],
  ['numbers that grow', bodyOf(`[${'1e20,'.repeat(12_000)}1]`), 'INVALID_CONTEXT', undefined],
  ['numbers that grow in lists', bodyOf(`{"a":[${'1e20,'.repeat(6_000)}1]}`), 'TOO_LARGE', 'contextBytes'],
  ['100,000 names', bodyOf(named(100_000)), 'TOO_LARGE', 'bodyBytes'],
] as const)('hostile bytes are refused by the limit that they pass: %s', async (_, body, code, limit) => {
  for (const path of paths) {
    const answer = await post(body, path)
    expect([answer.status, answer.status === 413]).toEqual([answer.status, code === 'TOO_LARGE'])
    const refusal = await answer.json<{ errorCode: string; limit?: string }>()
    expect([refusal.errorCode, refusal.limit]).toEqual([code, limit])
  }
})

test('a flag that is asked for twice is refused: nobody gets a large value a thousand times', async () => {
  const value = 'x'.repeat(60_000)
  const { client, publish } = await makeWorld()
  const variants = [{ key: 'off', value }]
  await publish(1, { flags: { large: { valueType: 'string', variants }, steady: {} } })
  const ask = (flags: readonly string[]) => call('/v1/evaluate', { key: client.text, body: { flags } })
  for (const flags of [
    Array.from({ length: 1_000 }, () => 'large'),
    ['steady', 'large', 'steady'],
    ['', ''],
  ]) {
    const answer = await ask(flags)
    expect(answer.status).toBe(400)
    const { errorCode, errorDetails } = await answer.json<Record<string, string>>()
    expect([errorCode, errorDetails]).toEqual([
      'INVALID_REQUEST',
      `flags names ${JSON.stringify(flags[0])} more than once: each flag once is allowed`,
    ])
  }
  expect((await ask(['large', 'steady', 'LARGE'])).status).toBe(200)
  const long = 'y'.repeat(10_000)
  expect((await (await ask([long, long])).text()).length).toBeLessThan(300)
})

test('at most 1,000 flags are asked for at a time, and an unknown member is shown cut short', async () => {
  expect((await post(keys(1_000))).status).toBe(200)
  expect(await (await post(keys(1_001))).json()).toMatchObject({
    errorCode: 'INVALID_REQUEST',
    limit: 'flags',
  })
  const answer = await post(JSON.stringify({ ['x'.repeat(10_000)]: 1 }))
  expect((await answer.text()).length).toBeLessThan(300)
})
