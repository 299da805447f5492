import { expect, test, vi } from 'vitest'
import type { FlagUsage, StaleFlag } from '@halyard/shared/contract/usage-endpoints.ts'
import { problemOf } from '../test-data.ts'
import { runCli, startServer, type Answer, type Seen } from '../test-kit.ts'

vi.setConfig({ testTimeout: 30_000 }) // processes are started, perhaps on a busy machine

const usage: FlagUsage = {
  key: 'new-ui',
  environment: 'production',
  from: '2026-10-21T00:00:00.000Z',
  to: '2026-11-20T12:30:00.000Z',
  by: 'day',
  evaluations: 6,
  deliveries: 9,
  lastEvaluatedAt: '2026-11-20T12:00:00.000Z',
  lastDeliveredAt: null,
  variants: [
    { variant: null, evaluations: 1, deliveries: 0 },
    { variant: 'on', evaluations: 5, deliveries: 9 },
  ],
  points: [
    { at: '2026-11-19T00:00:00.000Z', variant: null, evaluations: 1, deliveries: 0 },
    { at: '2026-11-20T00:00:00.000Z', variant: 'on', evaluations: 5, deliveries: 9 },
  ],
}

function staleOf(key: string, codes: readonly StaleFlag['reasons'][number]['code'][]): StaleFlag {
  return {
    key,
    name: key,
    kind: 'release',
    createdAt: '2026-01-01T00:00:00.000Z',
    lastEvaluatedAt: null,
    lastDeliveredAt: null,
    reasons: codes.map((code) => ({ code, detail: `because ${code}` })),
  }
}

function pageOf(items: readonly StaleFlag[], nextCursor: string | null) {
  const leftOut = { permanent: 2, young: 3 }
  return { items, nextCursor, environment: 'production', observedSince: '2026-01-01T00:00:00.000Z', leftOut }
}

async function run(args: readonly string[], answer: (seen: Seen) => Answer) {
  await using server = await startServer(answer)
  const where = ['--api', server.url, '--org', 'acme', '--project', 'web', '--env', 'production']
  const ran = await runCli([...args, ...where], { HALYARD_TOKEN: 'hyd_svc_x' })
  return { ...ran, seen: server.seen }
}

test('usage shows each variant, each day, and when the flag was last asked for', async () => {
  const { code, stdout, seen } = await run(['usage', 'new-ui'], () => ({ body: usage }))
  expect(code).toBe(0)
  expect(stdout.split('\n')).toEqual([
    'new-ui in production, 2026-10-21 to 2026-11-20 12:30 UTC',
    'last evaluated: 2026-11-20 12:00 UTC',
    'last delivered with all flags: never',
    '',
    'VARIANT  EVALUATIONS  DELIVERIES',
    '(error)  1            0',
    'on       5            9',
    '(all)    6            9',
    '',
    'DAY         VARIANT  EVALUATIONS  DELIVERIES',
    '2026-11-19  (error)  1            0',
    '2026-11-20  on       5            9',
    '',
  ])
  expect(seen.map(({ url }) => url)).toEqual([
    '/api/v1/orgs/acme/projects/web/environments/production/flags/new-ui/usage',
  ])
})

test('usage asks for the span and the unit that it is told, and --json prints the whole answer', async () => {
  const args = ['usage', 'new-ui', '--by', 'hour', '--from', '2026-11-20T00:00:00Z', '--json']
  const { stdout, seen } = await run(args, () => ({ body: { ...usage, by: 'hour' } }))
  expect(seen[0]?.url).toMatch(/usage\?from=2026-11-20T00%3A00%3A00Z&by=hour$/)
  expect(JSON.parse(stdout)).toEqual({ ...usage, by: 'hour' })
  const wrong = await run(['usage', 'new-ui', '--by', 'week'], () => ({ body: usage }))
  expect([wrong.code, wrong.seen]).toEqual([2, []])
  expect(wrong.stderr).toContain('hour')
})

test('usage of an unknown flag fails with what the API says', async () => {
  const answer = { status: 404, body: problemOf('flag_not_found', 404) }
  const { code, stderr } = await run(['usage', 'nothing'], () => answer)
  expect([code, stderr]).toEqual([1, expect.stringContaining('flag_not_found')])
})

test('stale lists every flag of every page with its reasons, and whom it does not judge', async () => {
  const { code, stdout } = await run(['stale'], ({ url }) => ({
    body: url.includes('cursor=')
      ? pageOf([staleOf('b', ['one_variant'])], null)
      : pageOf([staleOf('a', ['expired', 'unused'])], 'next'),
  }))
  expect(code).toBe(0)
  expect(stdout.split('\n')).toEqual([
    'KEY  KIND     LAST EVALUATED  WHY',
    'a    release  never           because expired',
    '                              because unused',
    'b    release  never           because one_variant',
    'usage is known since 2026-01-01; not judged by usage: 2 permanent, 3 not observed for 30 days',
    '',
  ])
})
