import { beforeAll, expect, test } from 'vitest'
import { requestLimits } from './context.ts'
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

test('a body of unannounced length within the limit is read whole', async () => {
  const bytes = new TextEncoder().encode('{"flag":"steady","context":{"name":"Jürgen €"}}')
  const chunks = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]))
      controller.close()
    },
  })
  const headers = { Authorization: `Bearer ${key}` }
  const answer = await fetch(
    new Request('https://edge/v1/evaluate', { method: 'POST', headers, body: chunks }),
  )
  expect(answer.status).toBe(200)
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
