import { beforeAll, expect, test } from 'vitest'
import { makeApp } from '../app.ts'
import { makeShop, shop, useKit } from '../test-kit.ts'

const kit = useKit()
let token: string
let viewer: string

const json = (key: string, value: unknown) => ({ key, valueType: 'json', variants: [{ key: 'a', value }] })

const numbers = (key: string, ...values: number[]) => ({
  key,
  valueType: 'number',
  variants: values.map((value, i) => ({ key: `v${i}`, value })),
})

beforeAll(async () => {
  await makeShop(kit)
  token = await kit.makeToken({ project: 'shop', role: 'editor' })
  viewer = await kit.makeToken({ project: 'shop', environment: 'production', role: 'viewer' })
  const described = { name: 'Nested name', description: 'What it does' }
  const flags = [
    numbers('limits.rate', 10, 20),
    numbers('ratio', 1, 0.5),
    { ...json('style', { color: 'red' }), ...described },
    json('list', [1]),
    json('nothing', null),
    { key: 'old' },
  ]
  await kit.ok('POST', `${shop}/flags/import`, { body: { flags } })
  await kit.ok('DELETE', `${shop}/flags/old`)
})

interface Asked {
  readonly method?: string
  readonly body?: object
  readonly token?: string | null
  readonly base?: string
}

/** A request as `openfeature` 0.4 makes it: its headers, and its paths appended to what --provider-url says. */
async function ask(path: string, { method = 'GET', body, token: given = token, base = '' }: Asked = {}) {
  const response = await makeApp(kit.deps, () => {}).request(
    `http://control${base}/openfeature/v0/manifest${path}`,
    {
      method,
      headers: {
        accept: 'application/json',
        'user-agent': 'openfeature-cli/sync',
        ...(given !== null && { authorization: `Bearer ${given}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    },
  )
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  const may = response.headers.get('x-manifest-capabilities')
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into any answer
  const parsed: any = await response.json()
  return { status: response.status, may, body: parsed }
}

const post = (body: object) => ask('/flags', { method: 'POST', body })
const put = (key: string, body: object) => ask(`/flags/${key}`, { method: 'PUT', body: { key, ...body } })
const errorOf = ({ status, body }: Awaited<ReturnType<typeof ask>>) => {
  expect(body).toEqual({ error: { message: expect.any(String), status, details: expect.any(Array) } })
  return [status, body.error.message]
}

test('pull gives each flag with its type and the value that it gives as it was made', async () => {
  const { status, may, body } = await ask('')
  expect([status, may]).toEqual([200, 'read,write,delete'])
  expect(body).toEqual({
    flags: [
      { key: 'banner', name: 'banner', type: 'string', defaultValue: 'Hi' },
      { key: 'checkout', name: 'checkout', type: 'boolean', defaultValue: false },
      { key: 'limits.rate', name: 'limits.rate', type: 'integer', defaultValue: 10 },
      { key: 'ratio', name: 'ratio', type: 'float', defaultValue: 1 },
      {
        key: 'style',
        name: 'Nested name',
        type: 'object',
        description: 'What it does',
        defaultValue: { color: 'red' },
      },
    ],
  })
})

test('a viewer may read alone, and is told so', async () => {
  expect(await ask('', { token: viewer })).toMatchObject({ status: 200, may: 'read' })
  const refused = await ask('/flags', { method: 'POST', token: viewer, body: { key: 'x', type: 'boolean' } })
  expect(errorOf(refused)).toEqual([403, expect.stringContaining('needs role editor')])
})

test('an address under a project works for a token of the organization, and only for its own', async () => {
  const base = '/api/v1/orgs/acme/projects/shop'
  expect((await ask('', { base, token: kit.token })).body.flags).toHaveLength(5)
  expect(errorOf(await ask('', { token: kit.token }))).toEqual([
    403,
    expect.stringContaining('--provider-url'),
  ])
  const others = { base, token: kit.rivalToken }
  expect(errorOf(await ask('', others))).toEqual([404, 'No such organization'])
  expect(errorOf(await ask('', { base: '/api/v1/orgs/acme/projects/none' }))).toEqual([
    404,
    'No such project',
  ])
})

test('without a token, or with a wrong one, an error of the form that the CLI reads', async () => {
  expect(errorOf(await ask('', { token: null }))).toEqual([401, 'send Authorization: Bearer hyd_svc_…'])
  expect(errorOf(await ask('', { token: 'nonsense' }))).toEqual([401, expect.any(String)])
  expect(errorOf(await ask('', { token: 'nonsense', base: '/api/v1/orgs/acme/projects/shop' }))[0]).toBe(401)
})

test('push creates flags of each type that give their default, and the next pull has nothing to push', async () => {
  const pushed = [
    { key: 'new-search', type: 'boolean', defaultValue: false, description: 'Search' },
    { key: 'new-text', type: 'string', defaultValue: 'control' },
    { key: 'new-count', type: 'integer', defaultValue: 3 },
    { key: 'new-share', type: 'float', defaultValue: 0.25 },
    { key: 'new-theme', type: 'object', defaultValue: { b: 1, a: [true] } },
  ]
  for (const flag of pushed) {
    const { status, body } = await post(flag) // oxlint-disable-line no-await-in-loop -- as the CLI does
    expect({ status, body }).toEqual({
      status: 201,
      body: { flag: { ...flag, name: flag.key }, updatedAt: '2026-11-20T12:00:00.000Z' },
    })
  }
  const { flags } = (await ask('')).body
  expect(flags).toEqual(expect.arrayContaining(pushed.map((flag) => ({ ...flag, name: flag.key }))))
  const state = await kit.ok('GET', `${shop}/environments/production/flags/new-text`)
  expect(state).toMatchObject({ enabled: false, offVariant: 'default' })
})

test('push changes the description of a flag, leaves what it does not name, and archives none', async () => {
  const flag = { type: 'object', defaultValue: { color: 'red' } }
  const { status, body } = await put('style', { ...flag, description: 'Colours' })
  expect([status, body.flag.name, body.flag.description]).toEqual([200, 'Nested name', 'Colours'])
  expect((await put('style', flag)).body.flag.description).toBe('Colours')
  expect((await put('style', { ...flag, description: null })).body.flag.description).toBeUndefined()
})

test('neither type nor values are changed by a push', async () => {
  const type = await put('banner', { type: 'boolean', defaultValue: false })
  expect(errorOf(type)).toEqual([409, 'the type of "banner" is string and cannot become boolean'])
  const value = await put('banner', { type: 'string', defaultValue: 'Bye' })
  expect(errorOf(value)).toEqual([409, expect.stringContaining('the default of "banner" is "Hi"')])
  expect((await put('limits.rate', { type: 'float', defaultValue: 10 })).status).toBe(200) // a number is a number
})

test('what cannot be is refused with its place', async () => {
  const wrong: [object, number, string][] = [
    [
      { key: 'on-by-default', type: 'boolean', defaultValue: true },
      400,
      '/defaultValue is true, and has to be false',
    ],
    [{ key: 'x', type: 'integer', defaultValue: 1.5 }, 400, '/defaultValue is 1.5'],
    [{ key: 'x', type: 'object', defaultValue: [1] }, 400, '/defaultValue is [1]'],
    [{ key: 'x', type: 'color', defaultValue: 1 }, 400, '/type'],
    [{ key: 'no way', type: 'string', defaultValue: '' }, 400, '/key'],
    [{ key: 'x', type: 'string', defaultValue: '', more: 1 }, 400, '/more'],
    [{ key: 'checkout', type: 'boolean', defaultValue: false }, 409, 'exists already'],
    [{ key: 'old', type: 'boolean', defaultValue: false }, 409, 'perhaps archived'],
  ]
  for (const [body, status, message] of wrong) {
    expect(errorOf(await post(body))).toEqual([status, expect.stringContaining(message)]) // oxlint-disable-line no-await-in-loop
  }
  const other = await ask('/flags/banner', { method: 'PUT', body: { key: 'checkout', type: 'string' } })
  expect(errorOf(other)).toEqual([400, expect.stringContaining('/key is "checkout"')])
  expect(errorOf(await put('none', { type: 'string' }))).toEqual([404, 'No such flag'])
  expect(errorOf(await put('old', { type: 'boolean' }))).toEqual([409, 'restore "old" before changing it'])
})

test('a flag that is deleted is archived, once, and its name stays taken', async () => {
  await post({ key: 'short-lived', type: 'boolean', defaultValue: false })
  const first = await ask('/flags/short-lived', { method: 'DELETE' })
  expect(first).toMatchObject({ status: 200, body: { archivedAt: '2026-11-20T12:00:00.000Z' } })
  expect(await ask('/flags/short-lived', { method: 'DELETE' })).toMatchObject({
    status: 200,
    body: first.body,
  })
  expect((await ask('')).body.flags.map(({ key }: { key: string }) => key)).not.toContain('short-lived')
  expect((await kit.ok('GET', `${shop}/flags/short-lived`)).archived).toBe(true)
  expect(errorOf(await ask('/flags/none', { method: 'DELETE' }))).toEqual([404, 'No such flag'])
})

test('a defect tells whoever asks nothing', async () => {
  const broken = { ...kit.deps, db: { ...kit.deps.db, read: () => Promise.reject(new Error('secret')) } }
  const response = await makeApp(broken, () => {}).request('http://control/openfeature/v0/manifest', {
    headers: { authorization: `Bearer ${token}` },
  })
  const text = await response.text()
  expect([response.status, text]).toEqual([500, expect.not.stringContaining('secret')])
})
