/** What `halyard serve` answers, without a socket: the engine's table, and the rules of HTTP around it. */
import { expect, test } from 'vitest'
import { caseBody, cases } from '@halyard/shared/engine/cases.ts'
import type { Json } from '@halyard/shared/engine/model.ts'
import { makeOfrepHandler, type OfrepPorts } from './ofrep-handler.ts'
import { makeServedFlags } from './served-flags.ts'

const bulk = '/ofrep/v1/evaluate/flags'
const now = Date.parse('2026-11-20T12:00:00Z')
const flag = (fields: object) =>
  JSON.stringify({
    valueType: 'boolean',
    variants: [
      { key: 'on', value: true },
      { key: 'off', value: false },
    ],
    seed: '0123456789abcdef',
    clientVisible: true,
    enabled: true,
    offVariant: 'off',
    overrides: [],
    rules: [],
    fallthrough: { variant: 'on' },
    ...fields,
  })
const body = `flag\ta\t${flag({})}\nflag\thidden\t${flag({ clientVisible: false })}`

function serve(ports: Partial<OfrepPorts> = {}) {
  const flags = makeServedFlags(body, 7)
  const end = new AbortController()
  const handler = makeOfrepHandler({ flags, now: () => now, key: null, signal: end.signal, ...ports })
  const ask = (path: string, { method = 'POST', headers = {}, text = '{}' }: Asked = {}) => {
    const hasBody = method === 'POST'
    return handler(
      new Request(`http://127.0.0.1${path}`, { method, headers, ...(hasBody && { body: text }) }),
    )
  }
  return { flags, end, ask }
}

interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly text?: string
}

async function jsonOf(answer: Response): Promise<Record<string, Json>> {
  return (await answer.json()) as Record<string, Json> // every answer is an object
}

// A context that is no object is refused before the engine sees it, and members of blobs are no file's.
const rows = cases.filter(
  (row) =>
    row.context !== null &&
    typeof row.context === 'object' &&
    !Array.isArray(row.context) &&
    !caseBody(row).includes('"members"'),
)

test.each(rows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
  const headers: Record<string, string> = row.class === 'client' ? { 'X-API-Key': 'hyd_cli_1' } : {}
  const { ask } = serve({ flags: makeServedFlags(caseBody(row), 1), now: () => row.now })
  const answer = await ask(`${bulk}/${encodeURIComponent(row.key)}`, {
    headers,
    text: `{"context":${textOf(row.context)}}`,
  })
  const { errorDetails: _details, ...decision } = await jsonOf(answer)
  const { expect: wanted, key } = row
  if ('errorCode' in wanted) {
    expect(decision).toEqual({ key, errorCode: wanted.errorCode })
    expect(answer.status).toBe(wanted.errorCode === 'FLAG_NOT_FOUND' ? 404 : 400)
  } else expect(decision).toEqual({ key, ...wanted })
})

test('a bulk answer has every flag, a stream, and a tag by which it is asked for again for nothing', async () => {
  const { ask, flags } = serve()
  const first = await ask(bulk)
  expect(await jsonOf(first)).toEqual({
    flags: [
      { key: 'a', value: true, variant: 'on', reason: 'STATIC' },
      { key: 'hidden', value: true, variant: 'on', reason: 'STATIC' },
    ],
    eventStreams: [{ type: 'sse', endpoint: { requestUri: '/ofrep/v1/stream' }, inactivityDelaySec: 120 }],
  })
  const etag = first.headers.get('ETag') ?? ''
  for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const again = await ask(bulk, { headers: { 'If-None-Match': tag } })
    expect([again.status, await again.text(), again.headers.get('ETag')]).toEqual([304, '', etag])
  }
  flags.put(`flag\ta\t${flag({ enabled: false })}`)
  expect((await ask(bulk, { headers: { 'If-None-Match': etag } })).status).toBe(200)
})

test('a key of class client sees what clients may see, and a hidden flag looks like an unknown one', async () => {
  const { ask } = serve()
  const headers = { Authorization: 'Bearer hyd_cli_anything' }
  const { flags } = await jsonOf(await ask(bulk, { headers }))
  expect(flags).toMatchObject([{ key: 'a' }])
  const [hidden, unknown] = await Promise.all(
    ['hidden', 'unknown'].map((key) => ask(`${bulk}/${key}`, { headers })),
  )
  expect([hidden?.status, unknown?.status]).toEqual([404, 404])
})

test('with a key of its own it answers that key alone, and tells anybody only that something changed', async () => {
  const { ask, end } = serve({ key: 'hyd_srv_1' })
  expect((await ask(bulk)).status).toBe(401)
  const wrong = await ask(`${bulk}/a`, { headers: { 'X-API-Key': 'hyd_srv_2' } })
  expect([wrong.status, await jsonOf(wrong)]).toMatchObject([401, { key: 'a', errorCode: 'KEY_INVALID' }])
  expect((await ask(bulk, { headers: { Authorization: 'Bearer hyd_srv_1' } })).status).toBe(200)
  expect((await ask('/ofrep/v1/stream', { method: 'GET' })).status).toBe(200)
  end.abort()
})

test.each<readonly [string, string, number, object]>([
  ['no JSON', '{', 400, { errorCode: 'PARSE_ERROR', errorDetails: 'the body is not JSON' }],
  ['a list', '[]', 400, { errorCode: 'PARSE_ERROR' }],
  ['a context that is a text', '{"context": "u"}', 400, { errorCode: 'INVALID_CONTEXT' }],
  ['a context that is too deep', `{"context": {"a": ${'['.repeat(9)}${']'.repeat(9)}}}`, 400, { errorCode: 'INVALID_CONTEXT', limit: 'contextDepth', max: 8 }],
  ['a context of 30,000 lists', `{"context": {"a": ${'['.repeat(30_000)}${']'.repeat(30_000)}}}`, 400, { limit: 'contextDepth' }],
  ['too many attributes', JSON.stringify({ context: Object.fromEntries(Array.from({ length: 201 }, (_, i) => [i, i])) }), 400, { limit: 'contextAttributes', max: 200 }],
  ['too long a text', JSON.stringify({ context: { a: 'é'.repeat(1_025) } }), 400, { limit: 'contextStringBytes', max: 2_048 }],
  ['too long a list', JSON.stringify({ context: { a: Array.from({ length: 101 }, () => 1) } }), 400, { limit: 'contextListItems', max: 100 }],
  ['too large a context', JSON.stringify({ context: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [i, 'x'.repeat(1_000)])) }), 413, { errorCode: 'TOO_LARGE', limit: 'contextBytes', max: 32_768 }],
  ['too large a body', JSON.stringify({ more: 'x'.repeat(66_000) }), 413, { errorCode: 'TOO_LARGE', limit: 'bodyBytes', max: 65_536 }],
])('refuses %s', async (_, text, status, problem) => {
  const { ask } = serve()
  const answer = await ask(`${bulk}/a`, { text })
  expect([answer.status, await jsonOf(answer)]).toMatchObject([status, { key: 'a', ...problem }])
}) // prettier-ignore

test('paths and methods that are none are told so, and pages may ask first', async () => {
  const { ask } = serve()
  expect([(await ask('/')).status, (await ask(`${bulk}/`)).status]).toEqual([404, 404])
  const wrong = await ask(bulk, { method: 'GET' })
  expect([wrong.status, wrong.headers.get('Allow')]).toEqual([405, 'POST, OPTIONS'])
  const preflight = await ask(bulk, { method: 'OPTIONS', headers: { Origin: 'http://localhost:5173' } })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('Access-Control-Allow-Headers')).toContain('If-None-Match')
  const fromPage = await ask(bulk, { headers: { Origin: 'http://localhost:5173' } })
  expect(fromPage.headers.get('Access-Control-Allow-Origin')).toBe('*')
  expect(fromPage.headers.get('Access-Control-Expose-Headers')).toContain('ETag')
  expect((await ask(bulk)).headers.get('Access-Control-Allow-Origin')).toBeNull()
})

test('the stream tells whom comes new to fetch, then each change, and ends with the server', async () => {
  const { ask, flags, end } = serve()
  const reader = (await ask('/ofrep/v1/stream', { method: 'GET' })).body?.getReader()
  const read = async () => new TextDecoder().decode((await reader?.read())?.value)
  expect(await read()).toBe('id: 7.1\ndata: {"type":"refetchEvaluation","etag":"7.1"}\n\n')
  flags.put(body) // as it was
  flags.put(`flag\ta\t${flag({ enabled: false })}`)
  expect(await read()).toBe('id: 7.2\ndata: {"type":"refetchEvaluation","etag":"7.2"}\n\n')
  end.abort()
  expect(await reader?.read()).toEqual({ done: true, value: undefined })
})

test('a stream that is gone on with tells to fetch only if something changed since', async () => {
  const { ask, end } = serve()
  const first = async (id: string) => {
    const answer = await ask('/ofrep/v1/stream', { method: 'GET', headers: { 'Last-Event-ID': id } })
    return new TextDecoder().decode((await answer.body?.getReader().read())?.value)
  }
  expect(await first('7.1')).toContain('{"type":"connected"}')
  expect(await first('6.9')).toContain('refetchEvaluation')
  end.abort()
})

/** JSON as a client may write it: the table holds numbers that JSON.stringify does not tell apart. */
function textOf(value: Json): string {
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return '-0'
    return Number.isFinite(value) ? String(value) : value > 0 ? '1e999' : '-1e999'
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`
  return `{${Object.entries(value)
    .map(([name, part]) => `${JSON.stringify(name)}:${textOf(part)}`)
    .join(',')}}`
}
