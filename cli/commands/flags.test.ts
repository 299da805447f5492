import { expect, test, vi } from 'vitest'
import { environmentOf, flagOf, flagStateOf, pageOf, problemOf, state } from '../test-data.ts'
import { runCli, startServer, type Answer, type Seen } from '../test-kit.ts'

vi.setConfig({ testTimeout: 30_000 }) // processes are started, perhaps on a busy machine

const inProject = '/api/v1/orgs/acme/projects/web'
const inEnvironment = `${inProject}/environments/production`

async function run(
  args: readonly string[],
  answers: Readonly<Record<string, Answer | ((seen: Seen) => Answer)>>,
) {
  await using server = await startServer((seen) => {
    const answer = answers[`${seen.method} ${seen.url}`]
    if (!answer)
      return { status: 404, body: problemOf('not_found', 404, { detail: `${seen.method} ${seen.url}` }) }
    return typeof answer === 'function' ? answer(seen) : answer
  })
  const where = ['--api', server.url, '--org', 'acme', '--project', 'web', '--env', 'production']
  const ran = await runCli([...args, ...where], { HALYARD_TOKEN: 'hyd_svc_x' })
  return { ...ran, seen: server.seen }
}

const first = { ...flagOf('new-ui', { name: 'New UI' }), environment: 'production', ...state }
const second = {
  ...flagOf('theme', { valueType: 'string' }),
  environment: 'production',
  ...state,
  enabled: false,
}
const pages = {
  [`GET ${inEnvironment}/flags?limit=200`]: { body: pageOf([first], 'next') },
  [`GET ${inEnvironment}/flags?limit=200&cursor=next`]: { body: pageOf([second]) },
}

test('flags list follows the pages and shows what is served', async () => {
  const { code, stdout, stderr } = await run(['flags', 'list'], pages)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['KEY', 'TYPE', 'STATE', 'SERVES', 'NAME'],
    ['new-ui', 'boolean', 'on', 'on', 'New UI'],
    ['theme', 'string', 'off', 'off', 'theme'],
    [''],
  ])
})

test('flags list --json is one JSON document', async () => {
  const { stdout, seen } = await run(['flags', 'list', '--json'], pages)
  expect(JSON.parse(stdout)).toEqual({ environment: 'production', flags: [first, second] })
  expect(seen.every(({ headers }) => headers.authorization === 'Bearer hyd_svc_x')).toBe(true)
})

test('flags get shows definition and state', async () => {
  const rules = [
    {
      id: 'rul_01jd3c5k2v8q7w4n0x6t9b1m2r',
      when: { attribute: 'a', op: 'eq' as const, value: 1 },
      serve: { variant: 'off' },
    },
  ]
  const answers = {
    [`GET ${inProject}/flags/new-ui`]: { body: flagOf('new-ui') },
    [`GET ${inEnvironment}/flags/new-ui`]: { body: flagStateOf('new-ui', 'production', { rules }) },
  }
  const { stdout } = await run(['flags', 'get', 'new-ui'], answers)
  expect(stdout).toMatch(/in production +on\n/)
  expect(stdout).toMatch(/rule 1 +If a is 1: serves "off"\.\n/)
  expect(stdout).toMatch(/else +Otherwise: serves "on"\.\n/)
  expect(stdout).toMatch(/off +false\n/)
  const { stdout: json } = await run(['flags', 'get', 'new-ui', '--json'], answers)
  expect(JSON.parse(json)).toEqual({ ...flagOf('new-ui'), environment: 'production', ...state, rules })
})

test('a problem goes to stderr with title, detail and request, and leaves stdout empty', async () => {
  const { code, stdout, stderr } = await run(['flags', 'get', 'nope', '--json'], {})
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^halyard: Title of not_found \(not_found\)\n {2}GET .*nope\n {2}request req_1\n$/)
})

test('flags create sends what was given, with an Idempotency-Key', async () => {
  const flag = flagOf('theme', { valueType: 'string' })
  const { code, stdout, stderr, seen } = await run(
    [
      'flags',
      'create',
      'theme',
      '--type',
      'string',
      '--variant',
      'a="x=y"',
      '--variant',
      'b=5',
      '--variant',
      'c=plain',
      '--client-visible',
      '--name',
      'N',
      '--description',
      'D',
    ],
    {
      [`POST ${inProject}/flags`]: {
        status: 201,
        body: {
          ...flag,
          versions: { production: '1.8' },
          warnings: [{ code: 'publishing_frozen', pointer: '', detail: 'it waits' }],
        },
      },
    },
  )
  expect(code).toBe(0)
  expect(stdout).toContain('created theme, switched off in every environment')
  expect(stderr).toBe('warning: it waits\n')
  expect(seen[0]?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
  expect(seen[0]?.body).toEqual({
    key: 'theme',
    valueType: 'string',
    name: 'N',
    description: 'D',
    clientVisible: true,
    variants: [
      { key: 'a', value: 'x=y' },
      { key: 'b', value: '5' },
      { key: 'c', value: 'plain' },
    ],
  })
})

test.each(['a', '=1', 'a={'])('the variant %j is a usage error', async (variant) => {
  const { code, seen } = await run(['flags', 'create', 'x', '--type', 'json', '--variant', variant], {})
  expect({ code, seen }).toEqual({ code: 2, seen: [] })
})

function toggling(isProtected: boolean) {
  return {
    [`GET ${inEnvironment}`]: { body: environmentOf('production', { protected: isProtected }) },
    [`POST ${inEnvironment}/flags/new-ui/toggle`]: ({ body }: Seen) => {
      const { enabled = false } = body as { enabled?: boolean }
      return {
        body: {
          ...flagStateOf('new-ui', 'production', { enabled }),
          versions: { production: '1.8' },
          warnings: enabled ? [] : [{ code: 'some', pointer: '/rules/1', detail: 'never reached' }],
        },
      }
    },
  }
}

test.each([
  [['--on'], { enabled: true }, 'new-ui is on in production (version 1.8)\n', ''],
  [
    ['--off'],
    { enabled: false },
    'new-ui is off in production (version 1.8)\n',
    'warning: /rules/1: never reached\n',
  ],
  [[], {}, 'new-ui is off in production (version 1.8)\n', 'warning: /rules/1: never reached\n'],
])('flags toggle %j sends %j', async (options, body, told, warned) => {
  const { code, stdout, stderr, seen } = await run(['flags', 'toggle', 'new-ui', ...options], toggling(false))
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: told, stderr: warned })
  expect(seen[1]).toMatchObject({ body, headers: { 'idempotency-key': expect.stringMatching(/./) } })
})

test('flags toggle writes nothing in a protected environment without --yes', async () => {
  const { code, stdout, stderr, seen } = await run(['flags', 'toggle', 'new-ui', '--off'], toggling(true))
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  expect(stderr).toBe('halyard: the environment is protected: switch off new-ui in production needs --yes\n')
  expect(seen.map(({ method }) => method)).toEqual(['GET'])
})

test('flags toggle --yes writes in a protected environment', async () => {
  const { code, stdout } = await run(['flags', 'toggle', 'new-ui', '--on', '--yes', '--json'], toggling(true))
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ enabled: true, versions: { production: '1.8' } })
})
