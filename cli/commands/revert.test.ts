import { expect, test, vi } from 'vitest'
import type { Reverted } from '@halyard/shared/contract/version-endpoints.ts'
import { environmentOf, problemOf } from '../test-data.ts'
import { runCli, startServer, type Answer } from '../test-kit.ts'

vi.setConfig({ testTimeout: 30_000 }) // processes are started, perhaps on a busy machine

const reverted: Reverted = {
  environment: 'production',
  revertedTo: '1.40',
  flags: ['new-ui'],
  segments: ['beta'],
  left: [{ kind: 'flag', key: 'newest', why: 'newer' }],
  versions: { production: '1.43' },
  warnings: [],
}

async function run(args: readonly string[], answer: Answer = { body: reverted }, isProtected = false) {
  const environment = environmentOf('production', { protected: isProtected })
  await using server = await startServer(({ method }) => (method === 'GET' ? { body: environment } : answer))
  const where = ['--api', server.url, '--org', 'acme', '--project', 'web', '--env', 'production']
  const ran = await runCli(['revert', ...args, ...where], { HALYARD_TOKEN: 'hyd_svc_x' })
  return { ...ran, seen: server.seen.filter(({ method }) => method === 'POST') }
}

test('revert goes back to a version and tells what it changed and what it left', async () => {
  const { code, stdout, seen } = await run(['1.40', '--comment', 'rolled back'])
  expect(code).toBe(0)
  expect(stdout.split('\n')).toEqual([
    'production is at version 1.43, as it was at 1.40:',
    '  flag new-ui',
    '  segment beta',
    'left as it is: flag newest (it came later)',
    '',
  ])
  expect(seen).toMatchObject([
    {
      url: '/api/v1/orgs/acme/projects/web/environments/production/revert',
      body: { to: '1.40', comment: 'rolled back' },
      headers: { 'idempotency-key': expect.any(String) },
    },
  ])
})

test('revert of named flags and segments sends these alone', async () => {
  const { seen } = await run(['1.40', '--flag', 'a', '--flag', 'b', '--segment', 'c'])
  expect(seen[0]?.body).toEqual({ to: '1.40', flags: ['a', 'b'], segments: ['c'] })
})

test('a protected environment is not reverted without a yes', async () => {
  const refused = await run(['1.40'], undefined, true)
  expect({ code: refused.code, seen: refused.seen }).toEqual({ code: 3, seen: [] })
  expect(refused.stderr).toContain('revert everything in production to version 1.40 needs --yes')
  expect((await run(['1.40', '--yes'], undefined, true)).code).toBe(0)
})

test('where nothing differs it says so', async () => {
  const { stdout } = await run(['1.40'], { body: { ...reverted, flags: [], segments: [], left: [] } })
  expect(stdout).toBe('production is as it was at 1.40: nothing to do\n')
})

test('revert --json is the whole answer', async () => {
  expect(JSON.parse((await run(['1.40', '--json'])).stdout)).toEqual(reverted)
})

test('a refusal names each place', async () => {
  const errors = [
    { code: 'unknown_reference', pointer: '/flags/new-ui/rules/0/when/segment', detail: 'is archived' },
  ]
  const body = problemOf('revert_refused', 422, { errors })
  const { code, stderr } = await run(['1.40'], { status: 422, body })
  expect(code).toBe(1)
  expect(stderr).toContain('/flags/new-ui/rules/0/when/segment: is archived')
})
