import { expect, test } from 'vitest'
import { useApi } from '../api.test-kit.ts'

const api = useApi()
const { cli, json, told } = api

test('projects are created, listed, read and renamed', async () => {
  const created = await json(
    'projects',
    'create',
    'web',
    '--environment',
    'test',
    '--environment',
    'live',
    '--protect',
    'live',
  )
  expect(created).toMatchObject({ key: 'web', warnings: [] })
  expect((await json('projects', 'list')).projects.map(({ key }: { key: string }) => key)).toEqual([
    'shop',
    'web',
  ])
  expect(await told('projects', 'list')).toMatch(/^KEY +NAME +MADE\nshop .*\nweb /)
  expect((await json('envs', 'list', '--project', 'web')).environments).toMatchObject([
    { key: 'live', protected: true },
    { key: 'test', protected: false },
  ])
  expect(await told('projects', 'rename', 'web', 'Web shop')).toBe('web is called Web shop\n')
  expect(await json('projects', 'get', 'web')).toMatchObject({ key: 'web', name: 'Web shop' })
  expect(await told('projects', 'get', 'web')).toContain('Web shop')
})

test('envs are created, listed, read, renamed, protected and unprotected', async () => {
  expect(await told('envs', 'create', 'preview', '--name', 'Preview')).toBe('created preview\n')
  expect(await told('envs', 'list')).toMatch(/^preview +1\.\d+ /m)
  expect(await told('envs', 'update', 'preview', '--protect')).toBe(
    'preview is called Preview and protected\n',
  )
  expect((await cli(['envs', 'update', 'preview', '--unprotect'])).code).toBe(3)
  expect(await json('envs', 'get', 'preview')).toMatchObject({ protected: true })
  expect(await json('envs', 'update', 'preview', '--unprotect', '--name', 'P', '--yes')).toMatchObject({
    protected: false,
    name: 'P',
  })
  expect(await told('envs', 'get', 'preview')).toMatch(/protected +no\n/)
})

test('freeze without a reason is a usage error', async () => {
  expect((await cli(['freeze', 'staging'])).code).toBe(2)
  expect(await json('envs', 'get', 'staging')).toMatchObject({ frozen: null })
})

test('envs update without a change is a usage error', async () => {
  expect((await cli(['envs', 'update', 'staging'])).code).toBe(2)
  expect((await cli(['envs', 'update', 'staging', '--protect', '--unprotect'])).code).toBe(2)
})

test.each([
  [
    ['envs', 'freeze', 'staging'],
    ['envs', 'unfreeze', 'staging'],
  ],
  [
    ['freeze', '--env', 'staging'],
    ['unfreeze', '--env', 'staging'],
  ],
])('%j and %j stop and start publishing', async (freeze, unfreeze) => {
  const { code, stdout, stderr } = await cli([...freeze, '--comment', 'wait'])
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^staging is frozen at version .*: wait\n$/),
  })
  expect(stderr).toContain('warning: nothing of staging is published until it is unfrozen')
  expect(await told('envs', 'get', 'staging')).toMatch(/frozen +since .*: wait\n/)
  expect(await json(...unfreeze)).toMatchObject({ key: 'staging', frozen: null })
})

test.each([
  [['freeze', '--comment', 'x', '--env', 'production']],
  [['envs', 'freeze', 'production', '--comment', 'x']],
])('%j is refused where nobody can be asked', async (args) => {
  const { code, stderr } = await cli(args)
  expect(code).toBe(3)
  expect(stderr).toContain('stop publishing in production needs --yes')
  expect(await json('envs', 'get', 'production')).toMatchObject({ frozen: null })
})

test('layers are listed and read', async () => {
  const { kit } = api
  await kit.ok('POST', '/orgs/acme/projects/shop/layers', {
    body: { key: 'checkout', slots: [{ name: 'a', from: 0, to: 25_000 }] },
  })
  expect(await told('layers', 'list')).toMatch(/^checkout +targetingKey +1 +75 % /m)
  expect(await told('layers', 'get', 'checkout')).toMatch(/^a +25 % +0 to 25000$/m)
  expect(await json('layers', 'get', 'checkout')).toMatchObject({ key: 'checkout' })
})
