import { expect, test, vi } from 'vitest'
import type { MetricPoints, Metrics } from '@halyard/shared/contract/metric-endpoints.ts'
import { problemOf } from '../test-data.ts'
import { runCli, startServer, type Answer, type Seen } from '../test-kit.ts'

vi.setConfig({ testTimeout: 30_000 }) // processes are started, perhaps on a busy machine

const lastAt = '2026-11-20T12:00:00.000Z'
const span = { environment: 'production', from: '2026-10-21T00:00:00.000Z', to: '2026-11-20T12:30:00.000Z' }
const paid: MetricPoints = {
  name: 'paid',
  ...span,
  by: 'day',
  count: 5,
  sum: 12.5,
  lastAt,
  sources: [
    { source: 'server', count: 3, sum: 12.5, lastAt },
    { source: 'client', count: 2, sum: null, lastAt },
  ],
  points: [
    { at: '2026-11-19T00:00:00.000Z', source: 'server', count: 3, sum: 12.5 },
    { at: '2026-11-20T00:00:00.000Z', source: 'client', count: 2, sum: null },
  ],
}

function pageOf(name: string, nextCursor: string | null): Metrics {
  const items = [{ name, count: 5, sum: null, lastAt, sources: ['server' as const, 'client' as const] }]
  return { items, nextCursor, ...span, full: ['client'] }
}

async function run(args: readonly string[], answer: (seen: Seen) => Answer) {
  await using server = await startServer(answer)
  const where = ['--api', server.url, '--org', 'acme', '--project', 'web', '--env', 'production']
  const ran = await runCli(['metrics', ...args, ...where], { HALYARD_TOKEN: 'hyd_svc_x' })
  return { ...ran, urls: server.seen.map(({ url }) => url) }
}

const twoPages = ({ url }: Seen) => ({
  body: url.includes('cursor=') ? pageOf('z', null) : pageOf('a', 'next'),
})

test('metrics lists every name of every page, and says whose names are no longer counted', async () => {
  const { code, stdout, stderr } = await run([], twoPages)
  expect([code, stderr]).toEqual([
    0,
    expect.stringContaining('client keys have sent as many names as are kept'),
  ])
  expect(stdout.split('\n')).toEqual([
    'production, 2026-10-21 to 2026-11-20 12:30 UTC',
    'NAME  COUNT  SUM  LAST                  FROM',
    'a     5      -    2026-11-20 12:00 UTC  server, client',
    'z     5      -    2026-11-20 12:00 UTC  server, client',
    '',
  ])
  const json = await run(['--json'], twoPages)
  expect(JSON.parse(json.stdout)).toMatchObject({ full: ['client'], metrics: [{ name: 'a' }, { name: 'z' }] })
})

test('metrics of a name shows its days, by the class of the keys that sent it', async () => {
  const { code, stdout, urls } = await run(['paid', '--from', '2026-10-21T00:00:00Z'], () => ({ body: paid }))
  expect(code).toBe(0)
  expect(stdout.split('\n')).toEqual([
    'paid in production, 2026-10-21 to 2026-11-20 12:30 UTC',
    'last: 2026-11-20 12:00 UTC',
    '',
    'FROM    COUNT  SUM',
    'server  3      12.5',
    'client  2      -',
    '(all)   5      12.5',
    '',
    'DAY         FROM    COUNT  SUM',
    '2026-11-19  server  3      12.5',
    '2026-11-20  client  2      -',
    '',
  ])
  expect(urls).toEqual([
    '/api/v1/orgs/acme/projects/web/environments/production/metrics/paid?from=2026-10-21T00%3A00%3A00Z',
  ])
})

test('a name that nobody sent fails with what the API says, and wrong usage asks nothing', async () => {
  const answer = { status: 404, body: problemOf('metric_not_found', 404) }
  const { code, stderr } = await run(['nothing'], () => answer)
  expect([code, stderr]).toEqual([1, expect.stringContaining('metric_not_found')])
  expect(await run(['--by', 'hour'], () => answer)).toMatchObject({ code: 2, urls: [] })
  expect(await run(['no way'], () => answer)).toMatchObject({ code: 2, urls: [] })
})
