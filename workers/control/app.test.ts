import { beforeAll, expect, test } from 'vitest'
import { api, type Operation } from '@halyard/shared/contract/api.ts'
import type { Endpoint } from '@halyard/shared/contract/endpoint.ts'
import type { ProblemCode } from '@halyard/shared/contract/problems.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import { examples } from './test-examples.ts'
import { checkSecret, expectProblem, makeShop, shop, useKit, type CallOptions } from './test-kit.ts'

const kit = useKit()
let boundToken: string
let ownKeyId: string
let rival: Record<'org' | 'project' | 'environment' | 'id', string>

const operations = Object.entries(api) as [Operation, Endpoint][] // Object.entries widens the names
const isShort = (endpoint: Endpoint) => endpoint.tag === 'Short forms'
const withParameter = (name: string) =>
  operations.filter(([, { path }]) => path.split('/').includes(`:${name}`))

beforeAll(async () => {
  await makeShop(kit)
  for (const key of ['beta', 'unused']) await kit.ok('POST', `${shop}/segments`, { body: { key } })
  for (const key of ['experiments', 'unused']) await kit.ok('POST', `${shop}/layers`, { body: { key } })
  boundToken = await kit.makeToken({ project: 'shop', environment: 'production' })
  const body = { class: 'server', environment: 'production', name: 'web' }
  ownKeyId = (await kit.ok('POST', `${shop}/keys`, { body })).id
  await kit.sql("insert into metrics select org_id, id, 'server', 'signup', now() from environments")
  rival = await makeRival()
})

test('each operation works, and answers exactly what its schema says', async () => {
  for (const [operation, endpoint] of operations) {
    const reply = await send(operation)
    const status = endpoint.status ?? 200
    expect({ operation, status: reply.status, text: reply.status < 300 ? '' : reply.text }).toEqual({
      operation,
      status,
      text: '',
    })
    expect(endpoint.result.parse(reply.body)).toEqual(reply.body)
    expect(reply.headers.has('etag')).toBe(endpoint.etag === true)
    expect(reply.headers.get('cache-control')).toBe('no-store')
    expect(reply.headers.get('x-request-id')).toMatch(/^req_/)
  }
})

test('each operation refuses a role below its own', async () => {
  const below = { viewer: [], editor: ['viewer'], admin: ['viewer', 'editor'] } as const
  const place = { project: 'shop', environment: 'production' }
  const tokens = {
    viewer: [await kit.makeToken({ role: 'viewer' }), await kit.makeToken({ role: 'viewer', ...place })],
    editor: [await kit.makeToken({ role: 'editor' }), await kit.makeToken({ role: 'editor', ...place })],
  }
  await leavesNoTrace(() =>
    operations.flatMap(([operation, endpoint]) =>
      below[endpoint.role].map(async (role) => {
        const token = tokens[role][isShort(endpoint) ? 1 : 0]
        expectProblem(await send(operation, {}, { token }), 'forbidden')
      }),
    ),
  )
})

test('each operation refuses a parameter of the query that it does not know, and does nothing', async () => {
  await leavesNoTrace(() =>
    operations.map(async ([operation]) => {
      const problem = expectProblem(await send(operation, {}, {}, 'dryRun=true'), 'unknown_field')
      expect(problem.errors).toMatchObject([{ pointer: 'dryRun', detail: expect.stringContaining('query') }])
    }),
  )
})

test('each operation asks for a live management token', async () => {
  const tokens: [string | null, ProblemCode][] = [
    [null, 'unauthenticated'],
    ['not-a-token', 'malformed_key'],
    [`${await kit.makeToken()}x`, 'malformed_key'],
    [await makeKey('server', makeId('env'), checkSecret), 'wrong_key_class'],
    [await makeKey('client', makeId('env'), checkSecret), 'wrong_key_class'],
    [await makeKey('management', makeId('key'), checkSecret), 'unknown_key'],
    [await kit.makeToken({ isRevoked: true }), 'unknown_key'],
    [await kit.makeToken({ expiresAt: new Date(kit.clock.nowMs) }), 'unknown_key'],
  ]
  await leavesNoTrace(() =>
    operations.flatMap(([operation]) =>
      tokens.map(async ([token, code]) => expectProblem(await send(operation, {}, { token }), code)),
    ),
  )
})

test('a token works until it expires', async () => {
  const token = await kit.makeToken({ expiresAt: new Date(kit.clock.nowMs + 2_000) })
  await kit.ok('GET', '/whoami', { token })
})

test('each operation treats what another tenant has like what does not exist', async () => {
  const cases = [
    ['org', 'organization_not_found', [rival.org, 'rival']],
    ['project', 'project_not_found', [rival.project, 'canary-project']],
    ['environment', 'environment_not_found', [rival.environment, 'canary-environment']],
    ['id', 'key_not_found', [rival.id]],
  ] as const
  const invented = { org: 'nobody', project: 'none', environment: 'none', key: 'none', id: makeId('key') }
  await leavesNoTrace(() =>
    cases.flatMap(([parameter, code, named]) =>
      withParameter(parameter).map(async ([operation]) => {
        const nothing = expectProblem(await send(operation, { [parameter]: invented[parameter] }), code)
        for (const name of named) {
          const reply = await send(operation, { [parameter]: name })
          expect({ ...expectProblem(reply, code), requestId: '' }).toEqual({ ...nothing, requestId: '' })
          expect(reply.text).not.toContain('canary')
        }
      }),
    ),
  )
})

test('each operation treats the keys of another tenant like keys that nobody has', async () => {
  const named = { flag: 'canary-flag', segment: 'canary-segment', layer: 'canary-layer' }
  await leavesNoTrace(() =>
    withParameter('key').map(async ([operation, { path }]) => {
      const noun = nounOf(path)
      const nothing = expectProblem(await send(operation, { key: 'none' }), `${noun}_not_found`)
      const reply = await send(operation, { key: named[noun] })
      const problem = expectProblem(reply, `${noun}_not_found`)
      expect({ ...problem, requestId: '' }).toEqual({ ...nothing, requestId: '' })
      expect(reply.text).not.toContain('canary')
    }),
  )
})

test('no answer to a tenant holds anything of another', async () => {
  for (const [operation, endpoint] of operations.filter(([, { method }]) => method === 'GET')) {
    const token = isShort(endpoint) ? boundToken : kit.token
    expect((await send(operation, {}, { token })).text).not.toContain('canary')
  }
})

test('each operation keeps to the project that a token is bound to', async () => {
  await kit.ok('POST', '/orgs/acme/projects', { body: { key: 'elsewhere' } })
  const token = await kit.makeToken({ project: 'elsewhere' })
  await leavesNoTrace(() =>
    withParameter('project').map(async ([operation]) =>
      expectProblem(await send(operation, {}, { token }), 'project_not_found'),
    ),
  )
})

test('each operation keeps to the environment that a token is bound to', async () => {
  const token = await kit.makeToken({ project: 'shop', environment: 'staging' })
  await leavesNoTrace(() =>
    withParameter('environment').map(async ([operation]) =>
      expectProblem(await send(operation, {}, { token }), 'environment_not_found'),
    ),
  )
})

test('what reaches further than a token is bound to is refused', async () => {
  const projectToken = await kit.makeToken({ project: 'shop' })
  const tokens = { organization: [projectToken, boundToken], project: [boundToken] }
  await leavesNoTrace(() =>
    operations.flatMap(([operation, { reach }]) =>
      (reach ? tokens[reach] : []).map(async (token) =>
        expectProblem(await send(operation, {}, { token }), 'forbidden'),
      ),
    ),
  )
})

test('short forms need a token of one project and environment', async () => {
  const projectToken = await kit.makeToken({ project: 'shop' })
  await leavesNoTrace(() =>
    operations
      .filter(([, endpoint]) => isShort(endpoint))
      .flatMap(([operation]) =>
        [kit.token, projectToken].map(async (token) =>
          expectProblem(await send(operation, {}, { token }), 'forbidden'),
        ),
      ),
  )
})

test('a method that an address does not take is answered with those it takes', async () => {
  for (const path of new Set(operations.map(([, endpoint]) => endpoint.path))) {
    const methods = operations.filter(([, other]) => other.path === path).map(([, { method }]) => method)
    const untaken = methods.includes('PUT') ? 'POST' : 'PUT'
    const reply = await kit.call(untaken, fill(path), { body: {}, token: boundToken })
    expectProblem(reply, 'method_not_allowed')
    expect(reply.headers.get('allow')?.split(', ')).toEqual(expect.arrayContaining(methods))
  }
})

test('whatever is not an address of the API is not found', async () => {
  const paths = [
    '/nope',
    '/orgs/acme/projects/',
    '//orgs/acme/projects',
    '/orgs//projects',
    `${shop}/flags//toggle`,
  ]
  for (const path of [...paths, '/orgs/acme/projects/shop%2Fflags', '/flags/a/b/c', '/orgs/acme/pröjects'])
    expect((await kit.call('GET', path)).status).toBeOneOf([400, 404])
  expectProblem(await kit.call('GET', '/orgs/acme/projects/'), 'not_found')
  expectProblem(await kit.call('GET', '/nope', { token: null }), 'not_found')
})

test('what breaks inside is logged with its cause, and answered without it', async () => {
  const logged: unknown[] = []
  const { error } = console
  console.error = (text: unknown) => logged.push(text)
  const broken = {
    ...kit.deps.db,
    read: () => Promise.reject(new Error('secret inside', { cause: 'the reason' })),
  }
  const reply = await kit.call('GET', '/orgs/acme/projects', { deps: { db: broken } })
  console.error = error
  const { requestId } = expectProblem(reply, 'internal')
  expect(reply.text).not.toContain('secret inside')
  expect(logged.join()).toContain('the reason')
  expect(logged.join()).toContain(requestId)
})

/** The example of an operation, perhaps with one more parameter of the query. */
function send(
  operation: Operation,
  params: Record<string, string> = {},
  options: CallOptions = {},
  more = '',
) {
  const endpoint: Endpoint = api[operation]
  const { query = '', body, lines, params: own } = examples[operation]
  const wholeQuery = more === '' ? query : `${query === '' ? '?' : `${query}&`}${more}`
  return kit.call(endpoint.method, fill(endpoint.path, { ...own, ...params }) + wholeQuery, {
    ...(isShort(endpoint) && { token: boundToken }),
    ...(body && { body }),
    ...(lines !== undefined && { body: lines, headers: { 'content-type': 'application/x-ndjson' } }),
    ...(endpoint.method === 'PATCH' && { headers: { 'if-match': '*' } }),
    ...options,
  })
}

function fill(path: string, params: Record<string, string> = {}): string {
  const values = {
    org: 'acme',
    project: 'shop',
    environment: 'production',
    key: { flag: 'checkout', segment: 'beta', layer: 'experiments' }[nounOf(path)],
    id: ownKeyId,
    name: 'signup',
    ...params,
  }
  return path.replaceAll(/:([a-z]+)/g, (_, name: keyof typeof values) => values[name])
}

/** What the last key of a path names. */
function nounOf(path: string): 'flag' | 'segment' | 'layer' {
  if (path.includes('/segments')) return 'segment'
  return path.includes('/layers') ? 'layer' : 'flag'
}

/** Refused requests, all at the same time. */
async function leavesNoTrace(refuse: () => Promise<unknown>[]): Promise<void> {
  const before = await kit.stored()
  expect((await Promise.allSettled(refuse())).filter(({ status }) => status === 'rejected')).toEqual([])
  expect(await kit.stored()).toEqual(before)
}

/** Another tenant, with `canary` in everything it wrote. */
async function makeRival(): Promise<typeof rival> {
  const token = kit.rivalToken
  const at = '/orgs/rival/projects/canary-project'
  const environments = [{ key: 'canary-environment', name: 'canary' }]
  const body = { key: 'canary-project', name: 'canary', environments }
  const project = await kit.ok('POST', '/orgs/rival/projects', { token, body })
  const flag = { key: 'canary-flag', name: 'canary', description: 'canary', tags: ['canary'] }
  await kit.ok('POST', `${at}/flags`, { token, body: flag })
  for (const kind of ['segment', 'layer'])
    await kit.ok('POST', `${at}/${kind}s`, { token, body: { key: `canary-${kind}`, name: 'canary' } })
  const key = { class: 'server', environment: 'canary-environment', name: 'canary' }
  const { id } = await kit.ok('POST', `${at}/keys`, { token, body: key })
  const environment = await kit.ok('GET', `${at}/environments/canary-environment`, { token })
  const [org] = await kit.sql<{ id: string }>("select id from organizations where key = 'rival'")
  return { org: org?.id ?? '', project: project.id, environment: environment.id, id }
}
