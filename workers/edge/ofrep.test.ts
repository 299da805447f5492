import { expect, test } from 'vitest'
import { makeWorld, noPlaces, newKey, sampleFlags, startEdge } from './test-kit.ts'

const bulk = '/ofrep/v1/evaluate/flags'
const one = (key: string) => `${bulk}/${key}`
const canada = { context: { targetingKey: 'user-1', country: 'CA' } }

interface Item {
  readonly key: string
}

test('one flag is answered with value, variant, reason and metadata', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const answer = await startEdge().call(one('banner'), { key: server.text, body: canada })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('Content-Type')).toBe('application/json')
  expect(await answer.json()).toEqual({
    key: 'banner',
    value: true,
    variant: 'on',
    reason: 'TARGETING_MATCH',
    metadata: { ruleId: 'rul_1' },
  })
})

test('every evaluation answer says its version, its age and whether the hub confirmed it', async () => {
  const { server, publish } = await makeWorld()
  await publish(7)
  const { call } = startEdge()
  for (const path of [one('banner'), one('unknown'), bulk, '/v1/evaluate']) {
    const { headers } = await call(path, { key: server.text, body: canada })
    expect(headers.get('Halyard-Version')).toBe('1.7')
    expect(headers.get('Halyard-Age')).toBe('0')
    expect(headers.get('Halyard-Confirmed')).toBe('true')
  }
})

test('a flag that is switched off still has a value', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const answer = await startEdge().call(one('paused'), { key: server.text, body: {} })
  expect(await answer.json()).toMatchObject({ value: false, variant: 'off', reason: 'DISABLED' })
})

test('an unknown flag is 404 FLAG_NOT_FOUND with its key', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  for (const key of ['unknown', '__proto__', 'constructor', 'a%20b', '%E0%A4%A']) {
    const answer = await call(one(key), { key: server.text, body: {} })
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({
      errorCode: 'FLAG_NOT_FOUND',
      key: key === 'a%20b' ? 'a b' : key,
    })
  }
})

test('a missing targeting key is an error of the flags that need it, and of no other', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const needing = await call(one('share'), { key: server.text, body: {} })
  expect(needing.status).toBe(400)
  expect(await needing.json()).toMatchObject({ key: 'share', errorCode: 'TARGETING_KEY_MISSING' })
  expect((await call(one('steady'), { key: server.text, body: {} })).status).toBe(200)
})

test('bulk answers every flag, each error in its own place', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const answer = await startEdge().call(bulk, { key: server.text, body: { context: {} } })
  expect(answer.status).toBe(200)
  const { flags } = await answer.json<{ flags: Item[] }>()
  expect(flags.map(({ key }) => key)).toEqual(Object.keys(sampleFlags))
  expect(flags).toContainEqual(expect.objectContaining({ key: 'broken', errorCode: 'PARSE_ERROR' }))
  expect(flags).toContainEqual(expect.objectContaining({ key: 'share', errorCode: 'TARGETING_KEY_MISSING' }))
  expect(flags).toContainEqual(expect.objectContaining({ key: 'steady', value: true, reason: 'STATIC' }))
})

test('for class client a hidden flag cannot be told from an unknown one', async () => {
  const { client, server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const ask = async (key: string) => {
    const answer = await call(one(key), { key: client.text, body: canada })
    return {
      status: answer.status,
      text: (await answer.text()).replaceAll(key, 'KEY'),
      headers: [...answer.headers],
    }
  }
  expect(await ask('hidden')).toEqual(await ask('absent'))
  expect((await call(one('hidden'), { key: server.text, body: canada })).status).toBe(200)
})

test('class client is told nothing of hidden flags, rules or their causes', async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const texts = await Promise.all(
    [bulk, one('banner'), one('broken'), one('share'), '/v1/evaluate'].map(async (path) => {
      return await (await call(path, { key: client.text, body: { context: { country: 'CA' } } })).text()
    }),
  )
  for (const text of texts)
    expect(text).not.toMatch(/hidden|rul_|ruleId|targetingKey|country|seed|0123456789abcdef/)
  expect(JSON.parse(texts[1] ?? '')).toMatchObject({ key: 'banner', value: true })
})

test('bulk has an ETag, and a matching If-None-Match is answered 304 without a body', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const first = await call(bulk, { key: server.text, body: canada })
  const etag = first.headers.get('ETag') ?? ''
  expect(etag).toMatch(/^"[0-9a-f]{32}"$/)
  for (const value of [etag, `W/${etag}`, `"other", ${etag}`, `"other" , W/${etag}`, '*']) {
    const again = await call(bulk, { key: server.text, body: canada, headers: { 'If-None-Match': value } })
    expect([value, again.status, await again.text()]).toEqual([value, 304, ''])
    expect(again.headers.get('ETag')).toBe(etag)
    expect(again.headers.get('Halyard-Version')).toBe('1.1')
  }
  for (const value of ['"other"', etag.slice(1, -1), '']) {
    const again = await call(bulk, { key: server.text, body: canada, headers: { 'If-None-Match': value } })
    expect([value, again.status]).toEqual([value, 200])
  }
})

test('the ETag moves with an attribute that the snapshot reads, and with no other', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const etagOf = async (context: object) =>
    (await call(bulk, { key: server.text, body: { context } })).headers.get('ETag')
  const etag = await etagOf({ targetingKey: 'user-1', country: 'CA', plan: 'pro' })
  expect(await etagOf({ country: 'CA', plan: 'pro', targetingKey: 'user-1' })).toBe(etag)
  expect(await etagOf({ targetingKey: 'user-1', country: 'CA', plan: 'pro', theme: 'dark' })).toBe(etag)
  expect(await etagOf({ targetingKey: 'user-1', country: 'DE', plan: 'pro' })).not.toBe(etag)
  expect(await etagOf({ targetingKey: 'user-2', country: 'CA', plan: 'pro' })).not.toBe(etag)
  expect(await etagOf({ targetingKey: 'user-1', country: 'CA' })).not.toBe(etag)
  expect(await etagOf({ targetingKey: 'user-1', country: 'CA', plan: null })).not.toBe(
    await etagOf({ targetingKey: 'user-1', country: 'CA' }),
  )
})

test('the ETag of class client moves only with what it may see', async () => {
  const { server, client, publish } = await makeWorld()
  await publish(1)
  const context = { targetingKey: 'user-1', plan: 'pro' }
  const etagOf = async (key: string, body: object = { context }) =>
    (await startEdge({}, undefined, noPlaces).call(bulk, { key, body })).headers.get('ETag')
  const [ofServer, ofClient] = [await etagOf(server.text), await etagOf(client.text)]
  expect(ofServer).not.toBe(ofClient)
  expect(await etagOf(client.text, { context: { ...context, plan: 'free' } })).toBe(ofClient)
  await publish(2, { flags: { ...sampleFlags, hidden: { clientVisible: false, rules: [] } } })
  expect(await etagOf(client.text)).toBe(ofClient)
  expect(await etagOf(server.text)).not.toBe(ofServer)
  await publish(3, { flags: { ...sampleFlags, steady: {} } })
  expect(await etagOf(client.text)).not.toBe(ofClient)
})

test('a preflight needs no key and holds for a day', async () => {
  const { call } = startEdge()
  const posted = [bulk, one('banner'), '/v1/evaluate', '/v1/events', '/v1/stream-credential']
  const asked = ['/v1/stream', '/v1/status', '/.well-known/jwks.json']
  for (const path of [...posted, ...asked]) {
    const answer = await call(path, { method: 'OPTIONS', headers: { Origin: 'https://app.example' } })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
    const method = asked.includes(path) ? 'GET' : 'POST'
    expect(answer.headers.get('Access-Control-Allow-Methods')).toBe(`${method}, OPTIONS`)
    expect(answer.headers.get('Access-Control-Max-Age')).toBe('86400')
    const allowed = answer.headers.get('Access-Control-Allow-Headers')?.split(', ')
    for (const name of ['Content-Type', 'Authorization', 'X-API-Key', 'If-None-Match', 'Last-Event-ID'])
      expect(allowed).toContain(name)
  }
})

test('scripts of any origin may read the answers and the headers that matter, of refusals too', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const headers = { Origin: 'https://app.example' }
  for (const answer of [
    await call(bulk, { key: server.text, body: canada, headers }),
    await call(bulk, { key: server.text, body: canada, headers: { ...headers, 'If-None-Match': '*' } }),
    await call(bulk, { body: canada, headers }),
    await call('/nowhere', { headers }),
  ]) {
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
    const exposed = answer.headers.get('Access-Control-Expose-Headers')?.split(', ')
    expect(exposed).toEqual(['ETag', 'Retry-After', 'Halyard-Version', 'Halyard-Age', 'Halyard-Confirmed'])
  }
})

test('every refusal of an evaluation is JSON with an errorCode, and with the key if one was asked for', async () => {
  const { environment, server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const stranger = await newKey(environment, 'server')
  const answers = [
    await call(one('banner'), { body: canada }),
    await call(one('banner'), { key: stranger.text, body: canada }),
    await call(one('banner'), { key: server.text, body: '{' }),
    await call(one('banner'), { key: server.text, body: { context: 5 } }),
    await call(one('banner'), { key: server.text }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 400, 400, 405])
  for (const answer of answers) {
    expect(answer.headers.get('Content-Type')).toBe('application/json')
    expect(await answer.json()).toEqual({
      key: 'banner',
      errorCode: expect.stringMatching(/^[A-Z_]+$/),
      errorDetails: expect.any(String),
    })
  }
})
