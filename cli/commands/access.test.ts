import { expect, test } from 'vitest'
import { useApi } from '../api.test-kit.ts'

const api = useApi()
const { cli, json, told } = api

test('keys are created with their secret shown once, listed without it, and revoked', async () => {
  const text = await told('keys', 'create', 'server', '--name', 'backend', '--edge', 'https://edge.example')
  const [secret = ''] = /hyd_srv_\S+/.exec(text) ?? []
  expect(secret).not.toBe('')
  expect(text).toContain(`createClient({ edge: 'https://edge.example', key: process.env.HALYARD_KEY })`)
  const { keys } = await json('keys', 'list')
  expect(JSON.stringify(keys)).not.toContain(secret)
  const [key] = keys
  expect(key).toMatchObject({
    class: 'server',
    name: 'backend',
    environment: 'development',
    lastFour: secret.slice(-4),
  })
  expect(await told('keys', 'list')).toMatch(/^key_\w+ +server +development +backend .* good$/m)
  expect(await told('keys', 'revoke', key.id)).toBe(`revoked server key ${key.id} (backend)\n`)
  expect(await told('keys', 'list')).toMatch(/backend .* revoked$/m)
})

test('a client key has origins, a management key a role and an end', async () => {
  const client = await json('keys', 'create', 'client', '--name', 'shop', '--origin', 'https://shop.example')
  expect(client).toMatchObject({
    class: 'client',
    origins: ['https://shop.example'],
    secret: expect.stringMatching(/^hyd_cli_/),
  })
  const token = await json(
    'keys',
    'create',
    'management',
    '--name',
    'ci',
    '--role',
    'viewer',
    '--expires',
    '90d',
    '--yes',
  )
  expect(token).toMatchObject({ class: 'management', role: 'viewer', environment: null })
  const who = await cli(['whoami', '--json'], { HALYARD_TOKEN: token.secret })
  expect(JSON.parse(who.stdout)).toMatchObject({ organization: 'acme', project: 'shop', role: 'viewer' })
  const refused = await cli(['flags', 'toggle', 'checkout'], { HALYARD_TOKEN: token.secret })
  expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('(forbidden)') })
})

test.each([
  [['keys', 'create', 'server', '--name', 'x', '--role', 'admin'], '--role is for a management key'],
  [['keys', 'create', 'server', '--name', 'x', '--origin', 'https://a.b'], '--origin is for a client key'],
  [['keys', 'create', 'management', '--name', 'x'], '--role is missing'],
  [['keys', 'create', 'root', '--name', 'x'], 'Allowed choices are server, client, management'],
  [['audit', '--limit', '0'], '--limit is a number from 1 to 200'],
])('%j is a usage error', async (args, reason) => {
  const { code, stderr } = await cli(args)
  expect(code).toBe(2)
  expect(stderr).toContain(reason)
})

test('keys of a protected environment are made and revoked only with a yes', async () => {
  const args = ['keys', 'create', 'server', '--name', 'live', '--env', 'production']
  expect((await cli(args)).code).toBe(3)
  const { id } = await json(...args, '--yes')
  expect((await cli(['keys', 'revoke', id])).code).toBe(3)
  expect((await cli(['keys', 'revoke', id, '--yes'])).code).toBe(0)
})

test('audit shows who did what, of the project or of a flag', async () => {
  await json('flags', 'toggle', 'checkout', '--on', '--comment', 'let it go')
  expect(await told('audit', '--flag', 'checkout')).toMatch(
    /^2026.* flag\S* .*development 1\.\d+ .*let it go$/m,
  )
  const { entries } = await json('audit', '--limit', '2')
  expect(entries).toHaveLength(2)
  expect(entries[0]).toMatchObject({ comment: 'let it go', project: 'shop', environment: 'development' })
  expect((await json('audit', '--all')).entries.length).toBeGreaterThan(2)
})

test('whoami says what the token may reach, and where it comes from', async () => {
  expect(await told('whoami')).toMatch(
    /^admin\norganization +acme\nproject +all\n(.*\n)*token from +HALYARD_TOKEN\n$/,
  )
})
