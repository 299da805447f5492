import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { useApi } from '../api.test-kit.ts'
import { readProfiles, writeProfiles } from '../profiles.ts'
import { hasTerminal, talk } from '../terminal.test-kit.ts'
import { emptyFolder, runCli, startServer } from '../test-kit.ts'

const api = useApi()
const { cli } = api

/** The CLI with something on stdin. */
async function pipe(input: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url))
  const child = spawn(process.execPath, [main, ...args], {
    cwd: emptyFolder(),
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout.on('data', (data) => (texts.stdout += String(data)))
  child.stderr.on('data', (data) => (texts.stderr += String(data)))
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code: Number(code), ...texts }
}

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const configOf = (home: string) => join(home, 'halyard', 'config.json')

test('login tries the token, keeps it for its owner alone, and commands use it', async () => {
  const home = emptyFolder()
  const env = { XDG_CONFIG_HOME: home }
  const { code, stdout, stderr } = await pipe(
    `${api.kit.token}\n`,
    ['login', '--api', api.url, '--token-stdin'],
    env,
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain(`logged in at ${api.url} as admin of acme`)
  expect(stdout).not.toContain(api.kit.token)
  expect(statSync(configOf(home)).mode & 0o777).toBe(0o600)
  expect(readJson(configOf(home))).toEqual({
    profiles: { default: { api: api.url, token: api.kit.token, org: 'acme' } },
  })
  const listed = await runCli(['projects', 'list', '--json'], env)
  expect(JSON.parse(listed.stdout).projects).toMatchObject([{ key: 'shop' }])
  const out = await runCli(['logout'], env)
  expect(out).toMatchObject({ code: 0, stdout: expect.stringContaining('forgot the token') })
  expect(
    (await runCli(['projects', 'list'], { ...env, HALYARD_ORG: 'acme', HALYARD_API_URL: api.url })).code,
  ).toBe(2)
})

test('a login may have a name, and a token that is bound to a place brings it along', async () => {
  const home = emptyFolder()
  const token = await api.kit.makeToken({ role: 'editor', project: 'shop', environment: 'staging' })
  const args = ['login', '--api', api.url, '--token-stdin', '--profile', 'work', '--json']
  const { stdout } = await pipe(token, args, { XDG_CONFIG_HOME: home })
  expect(JSON.parse(stdout)).toMatchObject({
    profile: 'work',
    role: 'editor',
    project: 'shop',
    environment: 'staging',
  })
  const listed = await runCli(['flags', 'list', '--profile', 'work'], { XDG_CONFIG_HOME: home })
  expect(listed).toMatchObject({ code: 0, stdout: expect.stringContaining('checkout') })
  const other = await runCli(['flags', 'list', '--profile', 'home'], { XDG_CONFIG_HOME: home })
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no profile "home"') })
})

test.each([
  ['a token that the API does not know', 'hyd_svc_0000', 1],
  ['a key', 'hyd_srv_0000', 2],
  ['nothing', '', 2],
  ['two lines', 'a\nb', 2],
])('login keeps nothing of %s', async (_what, input, code) => {
  const home = emptyFolder()
  const ran = await pipe(input, ['login', '--api', api.url, '--token-stdin'], { XDG_CONFIG_HOME: home })
  expect(ran.code).toBe(code)
  expect(existsSync(configOf(home))).toBe(false)
})

test('a login keeps one that was made meanwhile', async () => {
  const home = emptyFolder()
  const other = { api: 'https://a.example', token: 'x' }
  const who = { key: 'k', role: 'admin', organization: 'acme', project: null, environment: null }
  await using server = await startServer(() => {
    writeProfiles(configOf(home), { other })
    return { body: who }
  })
  const ran = await pipe('t', ['login', '--api', server.url, '--token-stdin'], { XDG_CONFIG_HOME: home })
  expect(ran).toMatchObject({ code: 0, stderr: '' })
  expect(readProfiles(configOf(home))).toMatchObject({ other, default: { token: 't' } })
})

test('a login that cannot be kept is told, and by what', async () => {
  const file = join(emptyFolder(), 'file')
  writeFileSync(file, '')
  const args = ['login', '--api', api.url, '--token-stdin']
  const { code, stderr } = await pipe(api.kit.token, args, { XDG_CONFIG_HOME: file })
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(/^halyard: .*config\.json cannot be written\n  E/),
  })
})

test('whoever sends a token unencrypted to another machine is warned, once', async () => {
  const elsewhere = api.url.replace('127.0.0.1', '0.0.0.0') // here as well, but not by its name
  const { code, stderr } = await cli(['whoami', '--json'], { HALYARD_API_URL: elsewhere })
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: `warning: ${elsewhere} is not encrypted: whoever is on the way can read the token\n`,
  })
})

test('login asks nobody where there is no terminal', async () => {
  const env = { XDG_CONFIG_HOME: emptyFolder() }
  expect(await runCli(['login'], env)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--api is missing'),
  })
  const given = await runCli(['login', '--api', api.url], env)
  expect(given).toMatchObject({ code: 2, stderr: expect.stringContaining('--token-stdin') })
})

test.skipIf(!hasTerminal)('login asks on a terminal, and does not show the token', async () => {
  const home = emptyFolder()
  const { code, screen } = await talk({
    args: ['login'],
    answers: [
      ['Address of the management API: ', api.url],
      ['Management token (hyd_svc_…): ', api.kit.token],
    ],
    env: { XDG_CONFIG_HOME: home },
    folder: home,
  })
  expect({ code, screen }).toEqual({ code: 0, screen: expect.stringContaining('logged in at') })
  expect(screen).not.toContain(api.kit.token)
  expect(readProfiles(configOf(home))['default']?.token).toBe(api.kit.token)
})

test.skipIf(!hasTerminal)('a protected environment is asked for on a terminal', async () => {
  const env = {
    HALYARD_API_URL: api.url,
    HALYARD_TOKEN: api.kit.token,
    HALYARD_ORG: 'acme',
    HALYARD_PROJECT: 'shop',
  }
  const toggle = async (typed: string) =>
    await talk({
      args: ['flags', 'toggle', 'banner', '--on', '--env', 'production'],
      answers: [['Really switch on banner in production? [y/N] ', typed]],
      env,
      folder: emptyFolder(),
    })
  const no = await toggle('')
  expect({ no, code: no.code }).toEqual({
    no: { code: 3, screen: expect.stringContaining('nothing was changed') },
    code: 3,
  })
  expect(
    JSON.parse((await cli(['flags', 'get', 'banner', '--env', 'production', '--json'])).stdout).enabled,
  ).toBe(false)
  expect(await toggle('y')).toMatchObject({
    code: 0,
    screen: expect.stringContaining('banner is on in production'),
  })
})

test('init makes project, environment and flag, and writes halyard.json', async () => {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'package.json'), '{"dependencies": {"hono": "^4"}}')
  const env = { HALYARD_API_URL: api.url, HALYARD_TOKEN: api.kit.token }
  const args = [
    'init',
    '--yes',
    '--project',
    'fresh',
    '--env',
    'preview',
    '--flag',
    'hello',
    '--edge',
    'https://edge.example',
  ]
  const { code, stdout, stderr } = await runCli(args, env, folder)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('created hello, on in preview')
  expect(stdout).toContain(`import { halyard } from '@halyard/sdk/hono'`)
  const file = { api: api.url, edge: 'https://edge.example', org: 'acme', project: 'fresh', env: 'preview' }
  expect(readJson(join(folder, 'halyard.json'))).toEqual(file)
  const { stdout: json } = await runCli([...args, '--json'], env, folder)
  expect(JSON.parse(json)).toMatchObject({ created: false, enabled: true, file: null, kind: 'hono' })
  const listed = await runCli(['flags', 'list', '--json'], env, folder)
  expect(JSON.parse(listed.stdout).flags).toMatchObject([{ key: 'hello', enabled: true }])
})

test('init takes what is there, and leaves a protected environment off', async () => {
  const env = { HALYARD_API_URL: api.url, HALYARD_TOKEN: api.kit.token }
  const args = ['init', '--yes', '--project', 'shop', '--json']
  const first = JSON.parse((await runCli(args, env)).stdout)
  expect(first).toMatchObject({
    org: 'acme',
    project: 'shop',
    environment: 'development',
    flag: 'first-flag',
    enabled: true,
  })
  const safe = JSON.parse((await runCli([...args, '--env', 'production'], env)).stdout)
  expect(safe).toMatchObject({ environment: 'production', created: false, enabled: false, kind: 'other' })
})

test('init switches on no flag but the one that it makes', async () => {
  await api.told('flags', 'toggle', 'checkout', '--off')
  const args = ['init', '--yes', '--project', 'shop', '--flag', 'checkout', '--json']
  const env = { HALYARD_API_URL: api.url, HALYARD_TOKEN: api.kit.token }
  expect(JSON.parse((await runCli(args, env)).stdout)).toMatchObject({ created: false, enabled: false })
  expect(await api.json('flags', 'get', 'checkout')).toMatchObject({ enabled: false })
})

test('init begins no other project in a folder that has one', async () => {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'halyard.json'), '{"project":"shop"}')
  const { code, stderr } = await runCli(['init', '--yes', '--project', 'web'], {}, folder)
  expect(code).toBe(2)
  expect(stderr).toContain('halyard.json is of the project "shop", not of "web"')
})

test('init says what it cannot write', async () => {
  const folder = emptyFolder()
  for (const name of ['flags.json', 'halyard.json']) symlinkSync(name, join(folder, name)) // leads nowhere
  const env = { HALYARD_API_URL: api.url, HALYARD_TOKEN: api.kit.token }
  for (const [args, name] of [
    [['--local'], 'flags.json'],
    [['--project', 'shop'], 'halyard.json'],
  ] as const) {
    // One after another, as they would be typed.
    const { code, stderr } = await runCli(['init', '--yes', ...args], env, folder) // oxlint-disable-line no-await-in-loop
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining(`${name} cannot be written`),
    })
  }
})

test.skipIf(!hasTerminal)('init asks for what is not given', async () => {
  const folder = emptyFolder()
  const { code, screen } = await talk({
    args: ['init'],
    answers: [
      ['Project (there is ', 'shop'],
      ['Environment (there is ', ''],
      ['Key of the first flag [first-flag]: ', 'asked'],
    ],
    env: { HALYARD_API_URL: api.url, HALYARD_TOKEN: api.kit.token },
    folder,
  })
  expect({ code, screen }).toEqual({
    code: 0,
    screen: expect.stringContaining('created asked, on in development'),
  })
})

test('init --local writes a file of flags, once', async () => {
  const folder = emptyFolder()
  const { code, stdout } = await runCli(['init', '--local', '--yes', '--flag', 'hello'], {}, folder)
  expect(code).toBe(0)
  expect(stdout).toContain(`createLocalClient({ file: 'flags.json' })`)
  expect(readJson(join(folder, 'flags.json')).flags).toEqual({ hello: { enabled: true, variant: 'on' } })
  expect(await runCli(['init', '--local', '--yes'], {}, folder)).toMatchObject({ code: 3, stdout: '' })
  const checked = await runCli(['doctor', '--json'], {}, folder)
  expect(JSON.parse(checked.stdout).checks).toContainEqual(
    expect.objectContaining({ check: 'flag file', outcome: 'ok' }),
  )
})
