import { beforeAll, expect, test } from 'vitest'
import { limits } from '@halyard/shared/contract/limits.ts'
import { expectProblem, makeShop, pointersOf, production, shop, useKit, type Reply } from '../test-kit.ts'

const kit = useKit()
const create = (body: unknown, headers: Record<string, string> = {}) =>
  kit.call('POST', `${shop}/flags`, { body, headers })

const keyed = (name: string) => JSON.stringify({ key: name })
const valued = (text: string) => `{"key":"odd","valueType":"json","variants":[{"key":"a","value":${text}}]}`
const encode = (text: string | Uint8Array) => Buffer.from(text).toString('base64url')
const nested = (open: string, close: string, depth: number) => open.repeat(depth) + '1' + close.repeat(depth)

beforeAll(() => makeShop(kit))

test('a body that is not JSON is told from one that is not allowed', async () => {
  await leavesNoTrace(async () => {
    for (const text of ['{', '{"key":"a",}', "{'key':'a'}", 'undefined', '{"key":"a"}{"key":"b"}', '\u0000'])
      expectProblem(await create(text), 'malformed_json')
    for (const text of ['null', '[]', '"text"', '5', 'true', '[{"key":"a"}]'])
      expect(pointersOf(await create(text))).toEqual([''])
  })
})

test('an empty body counts as {}', async () => {
  expect(pointersOf(await create(''))).toEqual(['/key'])
  await kit.ok('POST', `${production}/flags/checkout/toggle`)
})

test('a body must be application/json, and may say its charset', async () => {
  await leavesNoTrace(async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'json', ''])
      expectProblem(await create(keyed('typed'), { 'content-type': type }), 'unsupported_media_type')
  })
  for (const [index, type] of ['application/json; charset=utf-8', 'application/merge-patch+json'].entries())
    expect((await create(keyed(`typed-${index}`), { 'content-type': type })).status).toBe(201)
})

test('bytes that are not UTF-8 are refused, never replaced', async () => {
  const body = new Uint8Array([...Buffer.from('{"key":"latin","name":"caf'), 0xe9, ...Buffer.from('"}')])
  await leavesNoTrace(async () => expectProblem(await create(body), 'malformed_json'))
})

test('a body larger than the limit is refused, whatever length it announces', async () => {
  const body = JSON.stringify({ key: 'large', description: 'x'.repeat(limits.bodyBytes) })
  await leavesNoTrace(async () => {
    expectProblem(await create(body), 'body_too_large')
    expectProblem(await create(body, { 'content-length': '2' }), 'body_too_large')
    expectProblem(await create('{}', { 'content-length': String(limits.bodyBytes + 1) }), 'body_too_large')
  })
  const fits = JSON.stringify({ key: 'fits' }).padEnd(limits.bodyBytes)
  expect((await create(fits)).status).toBe(201)
})

test('a nesting that a walk would not survive is refused', async () => {
  await leavesNoTrace(async () => {
    for (const depth of [100, 5_000, 250_000])
      expect(pointersOf(await create(nested('[', ']', depth)))).toEqual([''])
    const object = nested('{"a":', '}', 100_000)
    expect(pointersOf(await create(`{"key":"deep","variants":${object}}`))).toEqual([''])
  })
})

test('what Postgres would not store is refused where it stands', async () => {
  const cases: [string, string][] = [
    [String.raw`{"key":"odd","name":"a\u0000b"}`, '/name'],
    [String.raw`{"key":"odd","description":"\ud800"}`, '/description'],
    [String.raw`{"key":"odd","tags":["fine","\udc00\ud800"]}`, '/tags/1'],
    [valued(String.raw`{"deep":["\u0000"]}`), '/variants/0/value/deep/0'],
    [valued(String.raw`{"a\u0000b":1}`), '/variants/0/value'],
    [valued('[1e999]'), '/variants/0/value/0'],
    [valued('-1e999'), '/variants/0/value'],
  ]
  await leavesNoTrace(async () => {
    for (const [text, pointer] of cases) expect(pointersOf(await create(text))).toEqual([pointer])
  })
})

test('names from the prototype are names like any other', async () => {
  const value = '{"__proto__":{"polluted":1},"constructor":{"prototype":{}},"toString":null}'
  const body = `{"key":"constructor","valueType":"json","variants":[{"key":"__proto__","value":${value}}]}`
  expect((await create(body)).status).toBe(201)
  const read = await kit.call('GET', `${shop}/flags/constructor`)
  expect(JSON.stringify(read.body.variants)).toBe(`[{"key":"__proto__","value":${value}}]`)
  expect(pointersOf(await create('{"key":"p","__proto__":{"name":"x"}}'))).toEqual(['/__proto__'])
  expect(pointersOf(await create('{"key":"p","environments":{"constructor":{}}}'))).toEqual([
    '/environments/constructor',
  ])
  const context = '{"context":{"__proto__":{"targetingKey":"u"},"constructor":"x"}}'
  const evaluated = await kit.ok('POST', `${production}/evaluate`, { body: context })
  expect(evaluated.flags).toContainEqual(expect.objectContaining({ key: 'constructor', reason: 'DISABLED' }))
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

test('a value comes back as it was sent, byte for byte', async () => {
  const value =
    '{"b":[1,1.5,-0.25,1e+21,"é\\u0001 \\u2028 \\"",null,true,{}],"a":{"10":1,"":[]},"😀":"\\ud83d\\ude00"}'
  const body = `{"key":"round-trip","valueType":"json","variants":[{"key":"a\\tb","value":${value}},{"key":" ","value":null}]}`
  const sent = JSON.parse(body).variants
  const made = await create(body)
  expect(JSON.stringify(made.body.variants)).toBe(JSON.stringify(sent))
  expect((await kit.ok('GET', `${shop}/flags/round-trip`)).variants).toEqual(sent)
  const tags = ['a\\b', '"q"', '{x}', 'NULL', ' ', 'a,b', "'", '\n', '\\', 'é😀']
  await kit.ok('PATCH', `${shop}/flags/round-trip`, { body: { tags }, headers: { 'if-match': '*' } })
  expect((await kit.ok('GET', `${shop}/flags/round-trip`)).tags).toEqual(tags)
  const [found] = (await kit.ok('GET', `${shop}/flags?tag=${encodeURIComponent('a\\b')}`)).items
  expect(found.key).toBe('round-trip')
})

test('however much is wrong, the answer stays small', async () => {
  const fields = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`unknown-${index}`, 0]))
  const reply = await create({ key: 'many', ...fields })
  expect(pointersOf(reply)).toHaveLength(100)
  expect(reply.text.length).toBeLessThan(20_000)
})

test('a query names what is wrong with it', async () => {
  const cases: [string, string][] = [
    [`${shop}/flags?nope=1`, 'nope'],
    [`${shop}/flags?limit=0`, 'limit'],
    [`${shop}/flags?limit=201`, 'limit'],
    [`${shop}/flags?limit=1.5`, 'limit'],
    [`${shop}/flags?limit=abc`, 'limit'],
    [`${shop}/flags?limit=`, 'limit'],
    [`${shop}/flags?limit=1e999`, 'limit'],
    [`${shop}/flags?kind=none`, 'kind'],
    [`${shop}/flags?archived=yes`, 'archived'],
    [`${shop}/flags?text=${'x'.repeat(201)}`, 'text'],
    [`${shop}/flags?text=a%00b`, 'text'],
    [`${shop}/flags?tag=%00`, 'tag'],
    [`${shop}/flags?%00=1`, '\u0000'],
    ['/orgs/acme/audit?flag=%00', 'flag'],
    ['/orgs/acme/audit?project=A_B', 'project'],
    [`${production}/flags/checkout/explain?targetingKey=${'x'.repeat(2_049)}`, 'targetingKey'],
  ]
  for (const [path, pointer] of cases) expect(pointersOf(await kit.call('GET', path))).toEqual([pointer])
})

test('a text that looks like SQL or a pattern is only a text', async () => {
  for (const text of ["'", '%', '_', "';drop table flags;--", '$1', '\\'])
    expect((await kit.ok('GET', `${shop}/flags?text=${encodeURIComponent(text)}`)).items).toEqual([])
  expect((await kit.call('GET', `${shop}/flags?text=%E0%A4%A`)).status).toBe(200)
})

test('a cursor that no page gave is refused', async () => {
  const lists = [
    '/orgs/acme/projects',
    `${shop}/environments`,
    `${shop}/flags`,
    `${production}/flags`,
    `${shop}/keys`,
  ]
  for (const list of [...lists, '/orgs/acme/audit']) {
    for (const cursor of ['*', encode(new Uint8Array([0xff, 0xfe])), encode('a\0b')])
      expect(pointersOf(await kit.call('GET', `${list}?cursor=${encodeURIComponent(cursor)}`))).toEqual([
        'cursor',
      ])
    expect(pointersOf(await kit.call('GET', `${list}?cursor=${'A'.repeat(201)}`))).toEqual(['cursor'])
  }
  for (const text of ['abc', '-1', '1.5', '-9007199254740991', '99999999999', '4294967296', '', ' 1', '0x1'])
    expect(pointersOf(await kit.call('GET', `/orgs/acme/audit?cursor=${encode(text)}`))).toEqual(['cursor'])
})

test('a path parameter names what is wrong with it', async () => {
  const cases: [string, string][] = [
    ['/orgs/acme/projects/UP', 'project'],
    ['/orgs/acme/projects/%00', 'project'],
    ['/orgs/acme/projects/..%2Fshop', 'project'],
    [`${shop}/environments/a%20b`, 'environment'],
    [`${shop}/flags/${'k'.repeat(101)}`, 'key'],
    [`${shop}/flags/%E2%82%AC`, 'key'],
    [`${shop}/flags/%E0%A4%A`, 'key'],
    [`${shop}/flags/a%2Fb`, 'key'],
  ]
  for (const [path, pointer] of cases) expect(pointersOf(await kit.call('GET', path))).toEqual([pointer])
  expect(pointersOf(await kit.call('DELETE', `${shop}/keys/key_short`))).toEqual(['id'])
})

async function leavesNoTrace(work: () => Promise<Reply | unknown>): Promise<void> {
  const before = await kit.stored()
  await work()
  expect(await kit.stored()).toEqual(before)
}
