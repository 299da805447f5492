import { beforeAll, expect, test } from 'vitest'
import { makeWorld, startEdge } from './test-kit.ts'

const paths = ['/ofrep/v1/evaluate/flags', '/ofrep/v1/evaluate/flags/steady', '/v1/evaluate']
const { fetch } = startEdge()
let key = ''

beforeAll(async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  key = server.text
})

const bytesOf = (...parts: readonly (string | readonly number[])[]) =>
  new Uint8Array(
    parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : [...part])),
  )
/** `length` is announced; without it the body comes in chunks of a length that nobody knows. */
const post = (body: BodyInit, path = '/v1/evaluate', length?: number) => {
  const announced = length === undefined ? {} : { 'Content-Length': String(length) }
  const headers = { Authorization: `Bearer ${key}`, ...announced }
  return fetch(new Request(`https://edge${path}`, { method: 'POST', headers, body }))
}

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

test.each([
  ['a lone continuation byte', [0x80]],
  ['a start byte without the rest', [0xc3]],
  ['an overlong form', [0xc0, 0xaf]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['half a character of four bytes', [0xf0, 0x9f]],
  ['a code point beyond the last', [0xf4, 0x90, 0x80, 0x80]],
  ['Latin-1', [0x4a, 0xfc, 0x72]],
])('a body that is not UTF-8 is 400 PARSE_ERROR, not read as something else: %s', async (_, wrong) => {
  for (const path of paths) {
    const bytes = bytesOf('{"context":{"name":"', wrong, '"}}')
    for (const length of [undefined, bytes.length]) {
      const answer = await post(bytes, path, length)
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({
        errorCode: 'PARSE_ERROR',
        errorDetails: 'the body is not UTF-8',
      })
    }
  }
})

test('the first three bytes of a character of four are read as U+FFFD, where the length was announced', async () => {
  const bytes = bytesOf('{"flag":"steady","context":{"name":"', [0xf0, 0x9f, 0x98], '"}}')
  expect((await post(bytes, '/v1/evaluate', bytes.length)).status).toBe(200)
  expect((await post(bytes, '/v1/evaluate')).status).toBe(400)
})

const mark = [0xef, 0xbb, 0xbf]

test.each([
  ['the first three bytes of a character of four', [[0xf0, 0x9f, 0x98]]],
  ['a byte that begins nothing', [[0xff]]],
  ['half a character of three', [[0xe2, 0x82]]],
  ['two of these', [[0xff], [0xff]]],
  ['U+FFFD itself, which cannot be told apart', [[0xef, 0xbf, 0xbd]]],
])('after a byte order mark nothing that reads as U+FFFD is let in: %s', async (_, wrong) => {
  const names = wrong.flatMap((bytes, i) => [`${i === 0 ? '' : ','}"name${i}":"`, bytes, '"'])
  const bytes = bytesOf(mark, '{"flag":"steady","context":{', ...names, '}}')
  const answer = await post(bytes, '/v1/evaluate', bytes.length)
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ errorDetails: 'the body is not UTF-8' })
})

test('after a byte order mark, wrong bytes that become longer by its three are read, where the length was announced', async () => {
  const bytes = bytesOf(mark, '{"flag":"steady","context":{"a":"', [0xff], '","b":"', [0xe2, 0x82], '"}}')
  expect((await post(bytes, '/v1/evaluate', bytes.length)).status).toBe(200)
  expect((await post(bytes)).status).toBe(400)
})

test('UTF-8 is taken whole: the replacement character itself, and a byte order mark at the start', async () => {
  expect((await post('{"flag":"steady","context":{"name":"\ufffd \u20ac \u{1f600}"}}')).status).toBe(200)
  const marked = bytesOf(mark, '{"flag":"steady","context":{"name":"\u20ac"}}')
  for (const length of [undefined, marked.length])
    expect((await post(marked, '/v1/evaluate', length)).status).toBe(200)
  const replaced = bytesOf('{"flag":"steady","context":{"name":"\ufffd \ufffd\ufffd"}}')
  expect((await post(replaced, '/v1/evaluate', replaced.length)).status).toBe(200)
  for (const utf16 of [bytesOf([0xff, 0xfe, 0x7b, 0, 0x7d, 0]), bytesOf([0xfe, 0xff, 0, 0x7b, 0, 0x7d])])
    expect((await post(utf16)).status).toBe(400)
})
