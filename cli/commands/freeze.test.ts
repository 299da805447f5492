import { expect, test, vi } from 'vitest'
import { environmentOf } from '../test-data.ts'
import { runCli, startServer } from '../test-kit.ts'

vi.setConfig({ testTimeout: 30_000 }) // processes are started, perhaps on a busy machine

const frozen = { since: '2026-11-20T12:00:00.000Z', comment: 'an incident', scope: 'environment' } as const
const waits = { code: 'revocations_wait', pointer: '', detail: 'keys that are revoked now go on working' }

async function run(args: readonly string[], body: object) {
  await using server = await startServer(() => ({ body }))
  const where = ['--api', server.url, '--org', 'acme', '--project', 'web', '--env', 'production']
  const ran = await runCli([...args, ...where], { HALYARD_TOKEN: 'hyd_svc_x' })
  return { ...ran, seen: server.seen }
}

test('freeze says which version readers stay at, and what waits', async () => {
  const body = { ...environmentOf('production', { frozen }), versions: {}, warnings: [waits] }
  const { code, stdout, seen } = await run(['freeze', '--comment', 'an incident'], body)
  expect(code).toBe(0)
  expect(stdout).toBe(
    'production is frozen at version 1.7: an incident\nwarning: keys that are revoked now go on working\n',
  )
  expect(seen).toMatchObject([
    {
      method: 'POST',
      url: '/api/v1/orgs/acme/projects/web/environments/production/freeze',
      body: { comment: 'an incident' },
      headers: { 'idempotency-key': expect.any(String) },
    },
  ])
})

test('freeze without a reason is a usage error', async () => {
  const { code, seen } = await run(['freeze'], {})
  expect({ code, seen }).toEqual({ code: 2, seen: [] })
})

test('unfreeze says up to which version everything is published', async () => {
  const body = { ...environmentOf('production', { version: '1.9' }), versions: {}, warnings: [] }
  const { stdout, seen } = await run(['unfreeze'], body)
  expect(stdout).toBe('production is published again, up to version 1.9\n')
  expect(seen).toMatchObject([{ body: {}, url: expect.stringMatching(/\/unfreeze$/) }])
})
