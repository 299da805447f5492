import { expect, test, vi } from 'vitest'
import { runCli, startServer, type Answer } from '../test-kit.ts'

vi.setConfig({ testTimeout: 30_000 }) // processes are started, perhaps on a busy machine

const resolved = {
  key: 'theme',
  value: { dark: true },
  variant: 'night',
  reason: 'TARGETING_MATCH',
  metadata: {},
}
const headers = { 'halyard-version': '1.42' }

async function run(args: readonly string[], answer: Answer) {
  await using server = await startServer(() => answer)
  const ran = await runCli(['eval', ...args, '--edge', server.url], { HALYARD_KEY: 'hyd_srv_x' })
  return { ...ran, seen: server.seen }
}

test('eval asks the edge by OFREP and shows value, variant and reason', async () => {
  const { code, stdout, seen } = await run(['theme', '--targeting-key', 'u-1'], { body: resolved, headers })
  expect(code).toBe(0)
  expect(stdout).toMatch(/^theme +\{"dark":true\} +night +TARGETING_MATCH$/m)
  expect(seen).toMatchObject([
    {
      method: 'POST',
      url: '/ofrep/v1/evaluate/flags/theme',
      headers: { authorization: 'Bearer hyd_srv_x', 'content-type': 'application/json' },
      body: { context: { targetingKey: 'u-1' } },
    },
  ])
})

test('eval without a key evaluates all, errors among them', async () => {
  const failed = { key: 'split', errorCode: 'TARGETING_KEY_MISSING', errorDetails: 'no targetingKey' }
  const { code, stdout, seen } = await run([], { body: { flags: [resolved, failed] }, headers })
  expect(code).toBe(0)
  expect(seen[0]?.url).toBe('/ofrep/v1/evaluate/flags')
  expect(stdout).toMatch(/^split +TARGETING_KEY_MISSING no targetingKey$/m)
})

test('eval --json is the answer with the version it came from', async () => {
  const { stdout } = await run(['theme', '--json'], { body: resolved, headers })
  expect(JSON.parse(stdout)).toEqual({ version: '1.42', ...resolved })
})

test('the context is --context, then each --attribute, then --targeting-key', async () => {
  const args = [
    '--context',
    '{"targetingKey":"a","user":{"id":1},"n":1}',
    '--attribute',
    'n=2',
    '--attribute',
    'user.tier=gold',
    '--attribute',
    'zip=01234',
    '--attribute',
    'on=true',
    '--attribute',
    'text="5"',
    '--attribute',
    '__proto__.x=1',
    '--attribute',
    'n.m=1',
    '--attribute',
    'eq=a=b',
    '--targeting-key',
    'b',
  ]
  const { seen } = await run(args, { body: { flags: [] } })
  const expected =
    '{"context":{"targetingKey":"b","user":{"id":1,"tier":"gold"},"n":{"m":1},"zip":"01234","on":true,"text":"5","__proto__":{"x":1},"eq":"a=b"}}'
  expect(seen[0]?.body).toEqual(JSON.parse(expected))
})

test('a flag without a value is a failure that says why', async () => {
  const body = { key: 'nope', errorCode: 'FLAG_NOT_FOUND', errorDetails: 'there is no such flag' }
  const { code, stdout, stderr } = await run(['nope', '--json'], { status: 404, body })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe('halyard: FLAG_NOT_FOUND for nope\n  there is no such flag\n')
})

test('a key that the edge refuses is a failure', async () => {
  const body = { errorCode: 'KEY_INVALID', errorDetails: 'the key is unknown' }
  const { code, stderr } = await run([], { status: 401, body })
  expect(code).toBe(1)
  expect(stderr).toContain('KEY_INVALID')
})

test.each<[readonly string[], Answer]>([
  [['theme'], { body: '<html>' }],
  [['theme'], { body: { flags: [] } }],
  [[], { body: resolved }],
])('eval %j does not take %j for an evaluation', async (args, answer) => {
  const { code, stderr } = await run(args, answer)
  expect(code).toBe(1)
  expect(stderr).toContain('something other than an evaluation')
})

test.each([['--context', '[]'], ['--context', '{'], ['--attribute', 'x'], ['--attribute', '=1'], ['..']])(
  'eval %s %s is a usage error and asks nothing',
  async (...args) => {
    const { code, seen } = await run(args, { body: { flags: [] } })
    expect({ code, seen }).toEqual({ code: 2, seen: [] })
  },
)

test('an edge that cannot be reached is told by its address', async () => {
  const { code, stderr } = await runCli(['eval', '--edge', 'http://127.0.0.1:1', '--key', 'k'])
  expect(code).toBe(1)
  expect(stderr).toContain('http://127.0.0.1:1 cannot be reached')
})
