import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { problemOf } from '../test-data.ts'
import { emptyFolder, runCli, startServer, type Answer } from '../test-kit.ts'

vi.setConfig({ testTimeout: 30_000 }) // processes are started, perhaps on a busy machine

const explanation = {
  environment: 'production',
  version: '1.42',
  now: '2026-11-20T12:00:00.000Z',
  context: { targetingKey: 'user-123' },
  decision: {
    key: 'new-ui',
    value: true,
    variant: 'on',
    reason: 'TARGETING_MATCH',
    metadata: { ruleId: 'rul_1' },
  },
  trace: [{ kind: 'switch', enabled: true }],
  text: [
    'the flag is switched on',
    'rule 1 `canada` matched: `country` was "CA"',
    'serves "on" = true (TARGETING_MATCH)',
  ],
  rules: [
    { id: 'rul_1', name: 'canada', sentence: 'If country is "CA": serves "on".' },
    { id: 'rul_2', name: null, sentence: 'For every context: serves "off".' },
  ],
  fallthrough: 'Otherwise: serves "off".',
}

async function run(args: readonly string[], answer: Answer = { body: explanation }) {
  await using server = await startServer(() => answer)
  const where = ['--api', server.url, '--org', 'acme', '--project', 'web', '--env', 'production']
  const ran = await runCli(['explain', ...args, ...where], {
    HALYARD_TOKEN: 'hyd_svc_x',
    HALYARD_KEY: 'hyd_srv_x',
  })
  return { ...ran, seen: server.seen }
}

test('explain prints each step, the decision, and the rules read back', async () => {
  const { code, stdout, seen } = await run(['new-ui', '--key', 'user-123'])
  expect(code).toBe(0)
  expect(stdout.split('\n')).toEqual([
    'new-ui in production at version 1.42',
    '  the flag is switched on',
    '  rule 1 `canada` matched: `country` was "CA"',
    'serves "on" = true (TARGETING_MATCH)',
    '',
    'rule 1 canada: If country is "CA": serves "on".',
    'rule 2 rul_2: For every context: serves "off".',
    'Otherwise: serves "off".',
    '',
  ])
  expect(seen).toMatchObject([
    {
      method: 'POST',
      url: '/api/v1/orgs/acme/projects/web/environments/production/flags/new-ui/explain',
      headers: { authorization: 'Bearer hyd_svc_x' },
      body: { context: { targetingKey: 'user-123' } },
    },
  ])
})

test('explain sends the context of a file, and of options over it', async () => {
  const file = join(emptyFolder(), 'context.json')
  writeFileSync(file, '{"targetingKey":"a","plan":"pro"}')
  const args = ['--context', file, '--attribute', 'age=30', '--targeting-key', 'b']
  const { seen } = await run(['new-ui', ...args, '--version', '1.40', '--now', '2026-12-01T00:00:00Z'])
  expect(seen[0]?.body).toEqual({
    context: { targetingKey: 'b', plan: 'pro', age: 30 },
    version: '1.40',
    now: '2026-12-01T00:00:00Z',
  })
})

test('the API key of a variable is not taken for a user', async () => {
  expect((await run(['new-ui'])).seen[0]?.body).toEqual({ context: {} })
})

test('explain --json is the whole answer', async () => {
  const { stdout } = await run(['new-ui', '--json'])
  expect(JSON.parse(stdout)).toEqual(explanation)
})

test('an API key in the place of a user is a usage error and is sent nowhere', async () => {
  const { code, stderr, seen } = await run(['new-ui', '--key', 'hyd_srv_secret'])
  expect({ code, seen }).toEqual({ code: 2, seen: [] })
  expect(stderr).toContain('--key says whom to explain for')
  expect(stderr).not.toContain('hyd_srv_secret')
})

test.each([['{'], ['[]'], ['/nowhere/context.json']])('--context %s is a usage error', async (context) => {
  const { code, seen } = await run(['new-ui', '--context', context])
  expect({ code, seen }).toEqual({ code: 2, seen: [] })
})

test('a version that never was is told as the API tells it', async () => {
  const body = problemOf('version_not_found', 404, { detail: 'production never was at version 1.99' })
  const { code, stdout, stderr } = await run(['new-ui', '--version', '1.99'], { status: 404, body })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('production never was at version 1.99')
})

test('what would steer a terminal is shown as a mark', async () => {
  const text = ['\u001b[2J', '\u202eon']
  const { stdout } = await run(['new-ui'], { body: { ...explanation, text, rules: [] } })
  expect(stdout).toContain('  \u{fffd}[2J\n\u{fffd}on\n')
})
