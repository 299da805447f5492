import { expect, test } from 'vitest'
import { makeApiClient } from './api-client.ts'
import { flagOf, flagStateOf, pageOf, problemOf } from './test-data.ts'
import { startServer, type Answer } from './test-kit.ts'

const project = { org: 'acme', project: 'web' }
const toggle = { params: { ...project, environment: 'production', key: 'new-ui' }, body: { enabled: true } }
const toggled = {
  body: { ...flagStateOf('new-ui', 'production'), versions: { production: '1.8' }, warnings: [] },
}

async function serve(answer: (count: number) => Answer) {
  const server = await startServer((_seen, count) => answer(count))
  const paused: number[] = []
  const pause = async (ms: number) => void paused.push(ms)
  return { server, paused, client: makeApiClient({ url: server.url, token: 'hyd_svc_x', pause }) }
}

test('a call is the method, path, query and token of its operation', async () => {
  const { server, client } = await serve(() => ({ body: pageOf([flagOf('a')]) }))
  await using _ = server
  const query = { text: 'a & b', limit: 5, tag: undefined }
  const { items } = await client.call('listFlags', { params: project, query })
  expect(items.map((flag) => flag.key)).toEqual(['a'])
  expect(server.seen).toMatchObject([
    {
      method: 'GET',
      url: '/api/v1/orgs/acme/projects/web/flags?text=a+%26+b&limit=5',
      headers: { authorization: 'Bearer hyd_svc_x' },
      body: undefined,
    },
  ])
})

test('a write carries its body, Idempotency-Key and If-Match', async () => {
  const { server, client } = await serve(() => toggled)
  await using _ = server
  await client.call('toggleFlag', { ...toggle, idempotencyKey: 'k1', ifMatch: '"7"' })
  expect(server.seen).toMatchObject([
    {
      method: 'POST',
      url: '/api/v1/orgs/acme/projects/web/environments/production/flags/new-ui/toggle',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k1', 'if-match': '"7"' },
      body: { enabled: true },
    },
  ])
})

test.each(['..', '.', 'a/b', 'a b', '', '%2e%2e'])('%j is no key and is never sent', async (key) => {
  const { server, client } = await serve(() => ({ body: flagOf('a') }))
  await using _ = server
  await expect(client.call('getFlag', { params: { ...project, key } })).rejects.toMatchObject({ exitCode: 2 })
  expect(server.seen).toEqual([])
})

test('a problem is told by title, detail, fields and request', async () => {
  const errors = [
    { code: 'invalid_value', pointer: '/variants/0/key', detail: 'is used twice' },
    { code: 'wrong_type', pointer: '', detail: 'is odd' },
  ]
  const body = problemOf('invalid_input', 400, { detail: 'look below', errors })
  const { server, client } = await serve(() => ({ status: 400, body }))
  await using _ = server
  await expect(client.call('getFlag', { params: { ...project, key: 'a' } })).rejects.toMatchObject({
    exitCode: 1,
    message: 'Title of invalid_input (invalid_input)',
    lines: ['look below', '/variants/0/key: is used twice', 'the body: is odd', 'request req_1'],
  })
})

test('an answer that is no problem is told by its status', async () => {
  const { server, client } = await serve(() => ({ status: 502, body: '<html>' }))
  await using _ = server
  const call = client.call('getFlag', { params: { ...project, key: 'a' } })
  await expect(call).rejects.toMatchObject({
    exitCode: 1,
    message: 'the API answered 502, and not with a problem',
  })
})

test('an answer of another form is refused, and where it differs is told', async () => {
  const { server, client } = await serve(() => ({ body: { ...flagOf('a'), seed: 5 } }))
  await using _ = server
  await expect(client.call('getFlag', { params: { ...project, key: 'a' } })).rejects.toMatchObject({
    exitCode: 1,
    lines: [expect.stringContaining('/seed')],
  })
})

test('a read is repeated after a cut connection', async () => {
  const { server, client, paused } = await serve((count) =>
    count < 3 ? { isCut: true } : { body: flagOf('a') },
  )
  await using _ = server
  expect(await client.call('getFlag', { params: { ...project, key: 'a' } })).toMatchObject({ key: 'a' })
  expect(paused).toHaveLength(2)
})

test('repeats end, and the network is told of', async () => {
  const { server, client } = await serve(() => ({ isCut: true }))
  await using _ = server
  await expect(client.call('getFlag', { params: { ...project, key: 'a' } })).rejects.toMatchObject({
    exitCode: 1,
    message: `${server.url} cannot be reached`,
  })
  expect(server.seen).toHaveLength(4)
})

test('a write without Idempotency-Key is never repeated', async () => {
  const { server, client } = await serve(() => ({ isCut: true }))
  await using _ = server
  await expect(client.call('toggleFlag', toggle)).rejects.toMatchObject({ exitCode: 1 })
  expect(server.seen).toHaveLength(1)
})

test('a write with Idempotency-Key is repeated with the same key and body', async () => {
  const { server, client } = await serve((count) => (count === 1 ? { isCut: true } : toggled))
  await using _ = server
  await client.call('toggleFlag', { ...toggle, idempotencyKey: 'k1' })
  const sent = server.seen.map(({ headers, body }) => [headers['idempotency-key'], body])
  expect(sent).toEqual([
    ['k1', { enabled: true }],
    ['k1', { enabled: true }],
  ])
})

test('a 503 is repeated when it says when, and not before', async () => {
  const busy = { status: 503, headers: { 'retry-after': '2' }, body: problemOf('unavailable', 503) }
  const { server, client, paused } = await serve((count) => (count === 1 ? busy : { body: flagOf('a') }))
  await using _ = server
  await client.call('getFlag', { params: { ...project, key: 'a' } })
  expect(paused).toHaveLength(1)
  expect(paused[0]).toBeGreaterThanOrEqual(2_000)
  expect(paused[0]).toBeLessThanOrEqual(2_250) // the first jitter on top
})

test.each([undefined, '3600'])('a 503 with Retry-After %j is told, not waited for', async (retryAfter) => {
  const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
  const { server, client } = await serve(() => ({
    status: 503,
    headers,
    body: problemOf('unavailable', 503),
  }))
  await using _ = server
  const call = client.call('getFlag', { params: { ...project, key: 'a' } })
  await expect(call).rejects.toMatchObject({ message: 'Title of unavailable (unavailable)' })
  expect(server.seen).toHaveLength(1)
})

test('other failures are not repeated', async () => {
  const { server, client } = await serve(() => ({ status: 500, body: problemOf('internal', 500) }))
  await using _ = server
  await expect(client.call('getFlag', { params: { ...project, key: 'a' } })).rejects.toMatchObject({
    exitCode: 1,
  })
  expect(server.seen).toHaveLength(1)
})
