import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { useApi } from '../api.test-kit.ts'
import { readProfiles, writeProfiles } from '../profiles.ts'
import { hasTerminal, talk } from '../terminal.test-kit.ts'
import { emptyFolder, runCli } from '../test-kit.ts'

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

interface Check {
  readonly check: string
  readonly outcome: string
  readonly remedy: string | null
}

async function examine(env: Readonly<Record<string, string>>, folder?: string) {
  const { code, stdout } = await cli(['doctor', '--json'], env, folder)
  const checks: Check[] = JSON.parse(stdout).checks
  return {
    code,
    of: (name: string) => checks.filter(({ check }) => check === name).map(({ outcome }) => outcome),
    checks,
  }
}

test('doctor finds nothing to fail for where API, token and place are right', async () => {
  const { code, of, checks } = await examine({})
  expect({ code, checks }).toMatchObject({ code: 0 })
  expect([of('API'), of('clock'), of('token'), of('key')]).toEqual([['ok'], ['ok'], ['ok', 'ok'], ['warn']])
  expect(checks.every(({ outcome, remedy }) => (outcome === 'ok') === (remedy === null))).toBe(true)
})

test.each([
  ['a token that is not known', { HALYARD_TOKEN: 'hyd_svc_0000' }, 'token'],
  ['an API that is not there', { HALYARD_API_URL: 'http://127.0.0.1:9' }, 'API'],
  ['an address that is none', { HALYARD_API_URL: 'halyard' }, 'api'],
  ['an environment that is not there', { HALYARD_ENV: 'nowhere' }, 'environment'],
  ['a project that is not there', { HALYARD_PROJECT: 'nothing' }, 'project'],
  ['an edge that is not there', { HALYARD_EDGE_URL: 'http://127.0.0.1:9', HALYARD_KEY: 'hyd_srv_x' }, 'edge'],
])('doctor fails for %s', async (_what, env, name) => {
  const { code, of } = await examine(env)
  expect({ code, outcome: of(name) }).toEqual({ code: 1, outcome: expect.arrayContaining(['fail']) })
})

test('doctor warns of a login that others may read, and fails for files that are wrong', async () => {
  const home = emptyFolder()
  writeProfiles(configOf(home), { other: { api: 'https://a.example', token: 'x' } })
  const safe = await examine({ XDG_CONFIG_HOME: home })
  expect(safe.of('login')).toEqual([])
  const folder = emptyFolder()
  writeFileSync(join(folder, 'flags.json'), '{"flags": {"a": {}}}')
  mkdirSync(join(folder, 'below'))
  writeFileSync(join(folder, 'below', 'halyard.json'), '{"token": "hyd_svc_1"}')
  chmodSync(configOf(home), 0o644)
  const { of } = await examine({ XDG_CONFIG_HOME: home }, folder)
  expect([of('login'), of('flag file')]).toEqual([['warn'], ['fail']])
  const below = await cli(['doctor'], {}, join(folder, 'below'))
  expect(below).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^project file +fail .*holds a secret/m),
  })
})
