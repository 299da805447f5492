import { expect, test, vi } from 'vitest'
import type { VersionDetail, VersionSummary } from '@halyard/shared/contract/version-endpoints.ts'
import { pageOf, problemOf } from '../test-data.ts'
import { runCli, startServer, type Answer } from '../test-kit.ts'

vi.setConfig({ testTimeout: 30_000 }) // processes are started, perhaps on a busy machine

const at = '2026-11-20T12:00:00.000Z'
const newest: VersionSummary = {
  version: '1.42',
  createdAt: at,
  actor: 'key_1',
  action: 'flag.toggle',
  resource: 'flag/new-ui',
  comment: 'go',
  isPublished: true,
  publishedAt: at,
  size: 12_345,
}
const waiting = {
  ...newest,
  version: '1.41',
  comment: null,
  isPublished: false,
  publishedAt: null,
  size: null,
}
const detail: VersionDetail = {
  ...newest,
  comparedTo: '1.41',
  changes: [
    { kind: 'flag', key: 'new-ui', change: 'changed', before: {}, after: {}, text: ['switched on'] },
    { kind: 'key', key: 'key_2', change: 'added', before: null, after: {}, text: [] },
  ],
  changeCount: 3,
  head: { snapshotHash: 'a', accessHash: 'b', clientHash: 'c', size: 12_345, compiler: 2, kid: 'one' },
  verification: { verifiedAt: at, outcome: 'same' },
  receipts: [{ relay: 'weur/0', ackedAt: at }],
}

async function run(args: readonly string[], answer: Answer) {
  await using server = await startServer(() => answer)
  const where = ['--api', server.url, '--org', 'acme', '--project', 'web', '--env', 'production']
  const ran = await runCli([...args, ...where], { HALYARD_TOKEN: 'hyd_svc_x' })
  return { ...ran, seen: server.seen }
}

const path = '/api/v1/orgs/acme/projects/web/environments/production/versions'

test('versions lists the newest, and says that there are more', async () => {
  const { code, stdout, seen } = await run(['versions', '--limit', '2'], {
    body: pageOf([newest, waiting], 'x'),
  })
  expect(code).toBe(0)
  expect(stdout.split('\n')).toEqual([
    'VERSION  WHEN                      WHAT                     BY     PUBLISHED  COMMENT',
    `1.42     ${at}  flag.toggle flag/new-ui  key_1  yes        go`,
    `1.41     ${at}  flag.toggle flag/new-ui  key_1  no`,
    'there are more: --limit up to 200',
    '',
  ])
  expect(seen).toMatchObject([{ method: 'GET', url: `${path}?limit=2` }])
})

test('versions --json is the list', async () => {
  const { stdout } = await run(['versions', '--json'], { body: pageOf([newest]) })
  expect(JSON.parse(stdout)).toEqual({ environment: 'production', versions: [newest] })
})

test.each(['0', '201', '1.5', 'all'])('--limit %s is a usage error and is sent nowhere', async (limit) => {
  const { code, stderr, seen } = await run(['versions', '--limit', limit], { body: pageOf([]) })
  expect({ code, seen }).toEqual({ code: 2, seen: [] })
  expect(stderr).toContain('--limit is a number from 1 to 200')
})

test('versions show tells what changed and what became of it', async () => {
  const { code, stdout, seen } = await run(['versions', 'show', '1.42'], { body: detail })
  expect(code).toBe(0)
  expect(stdout.split('\n')).toEqual([
    '1.42',
    `made       ${at} by key_1`,
    'by         flag.toggle flag/new-ui',
    'comment    go',
    `published  ${at}`,
    'size       12,345 bytes',
    `verified   the same bytes (${at})`,
    `relays     weur/0 ${at}`,
    '',
    'since 1.41',
    'changed flag new-ui',
    '  switched on',
    'added key key_2',
    'and 1 more',
    '',
  ])
  expect(seen).toMatchObject([{ url: `${path}/1.42` }])
})

test('versions show compares with the version that is named', async () => {
  const { seen } = await run(['versions', 'show', '1.42', '--compare', '1.3'], { body: detail })
  expect(seen).toMatchObject([{ url: `${path}/1.42?compare=1.3` }])
})

test('what is not known or no longer kept is said', async () => {
  const body = {
    ...detail,
    comparedTo: null,
    changes: null,
    changeCount: null,
    receipts: null,
    verification: null,
  }
  const { stdout } = await run(['versions', 'show', '1.42'], { body })
  expect(stdout).toContain('relays     not known')
  expect(stdout).toContain('what came before it is no longer kept')
})

test('a version that is not kept is told as the API tells it, and one that is none is a usage error', async () => {
  const body = problemOf('version_not_kept', 404, {
    detail: 'production keeps its history from version 1.9 on',
  })
  const gone = await run(['versions', 'show', '1.2'], { status: 404, body })
  expect(gone.code).toBe(1)
  expect(gone.stderr).toContain('from version 1.9 on')
  const none = await run(['versions', 'show', 'newest'], { body: detail })
  expect({ code: none.code, seen: none.seen }).toEqual({ code: 2, seen: [] })
})
