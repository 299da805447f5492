import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { profilesPath, writeProfiles, type Profiles } from './profiles.ts'
import { makeSettings } from './settings.ts'
import { emptyFolder } from './test-kit.ts'

const seed = {
  managementKey: 'hyd_svc_local',
  isComplete: true,
  environments: {
    development: { serverKey: 'hyd_srv_dev', clientKey: 'hyd_cli_dev' },
    production: { serverKey: 'hyd_srv_prod', clientKey: 'hyd_cli_prod' },
  },
}

function stackFolder(
  addresses: string | null = `CONSOLE_URL='http://localhost:9001'\nEDGE_URL='http://localhost:9002'\n`,
) {
  const folder = emptyFolder()
  mkdirSync(join(folder, '.halyard'))
  writeFileSync(join(folder, '.halyard', 'seed.json'), JSON.stringify(seed))
  if (addresses !== null) writeFileSync(join(folder, '.halyard', 'control.env'), addresses)
  return folder
}

test('an option beats a variable, a variable beats the local stack', () => {
  const folder = stackFolder()
  const variables = { HALYARD_ENV: 'staging', HALYARD_PROJECT: 'from-variable' }
  const { need } = makeSettings({ env: ['production'] }, variables, folder)
  expect(need('env')).toBe('production')
  expect(need('project')).toBe('from-variable')
  expect(need('org')).toBe('demo')
})

test('the local stack is found from a folder below', () => {
  const folder = stackFolder()
  const below = join(folder, 'a', 'b')
  mkdirSync(below, { recursive: true })
  const { need } = makeSettings({}, {}, below)
  expect(need('api')).toBe('http://localhost:9001')
  expect(need('edge')).toBe('http://localhost:9002')
  expect(need('token')).toBe('hyd_svc_local')
  expect(need('env')).toBe('development')
  expect(need('key')).toBe('hyd_srv_dev')
})

test('the key of the local stack is that of the chosen environment', () => {
  expect(makeSettings({ env: ['production'] }, {}, stackFolder()).need('key')).toBe('hyd_srv_prod')
})

test('the token of the local stack goes to no other address', () => {
  const { need } = makeSettings({ api: 'https://flags.example.com' }, {}, stackFolder())
  expect(() => need('token')).toThrow('--token is missing')
  expect(() => need('org')).toThrow('--org is missing')
  expect(makeSettings({ api: 'http://localhost:9001/' }, {}, stackFolder()).need('token')).toBe(
    'hyd_svc_local',
  )
})

test('the key of the local stack goes to no other edge', () => {
  const variables = { HALYARD_EDGE_URL: 'https://edge.example.com' }
  expect(() => makeSettings({}, variables, stackFolder()).need('key')).toThrow('--key is missing')
})

test('a file names no address but one of this machine', () => {
  const { need } = makeSettings({ token: 'mine' }, {}, stackFolder(`CONSOLE_URL='https://evil.example'\n`))
  expect(need('api')).toBe('http://localhost:8787')
})

test('a stack that has no addresses yet is at the usual ones', () => {
  const { need } = makeSettings({}, {}, stackFolder(null))
  expect([need('api'), need('edge')]).toEqual(['http://localhost:8787', 'http://localhost:8788'])
})

test('what is missing is named with its option and variable', () => {
  const { need } = makeSettings({}, { HALYARD_TOKEN: '' }, emptyFolder())
  expect(() => need('token')).toThrow(
    expect.objectContaining({
      exitCode: 2,
      message: '--token is missing: a management token',
      lines: ['give --token <token> or set HALYARD_TOKEN, or log in: halyard login'],
    }),
  )
})

test.each(['ftp://x', 'localhost:8787', 'https://user:pass@x', 'https://x/?a=1', ''])(
  '%j is not an address',
  (api) => {
    expect(() => makeSettings({ api }, {}, emptyFolder()).need('api')).toThrow('--api is')
  },
)

test('most commands take one environment', () => {
  const { need } = makeSettings({ env: ['a', 'b'] }, {}, emptyFolder())
  expect(() => need('env')).toThrow('this command takes one --env')
})

const work = { api: 'https://work.example', token: 'hyd_svc_work', org: 'acme', project: 'web' }
const home = { api: 'https://home.example/', token: 'hyd_svc_home', edge: 'https://edge.home.example' }

/** Variables of a user who has logged in. */
function loggedIn(profiles: Profiles) {
  const variables = { XDG_CONFIG_HOME: emptyFolder() }
  writeProfiles(profilesPath(variables) ?? '', profiles)
  return variables
}

function withProject(values: object, folder = emptyFolder()) {
  writeFileSync(join(folder, 'halyard.json'), JSON.stringify(values))
  return folder
}

test('a variable beats halyard.json, that a login, and a login the local stack', () => {
  const variables = { ...loggedIn({ default: work }), HALYARD_ENV: 'from-variable' }
  const { need, find } = makeSettings(
    {},
    variables,
    withProject({ project: 'file', env: 'file' }, stackFolder()),
  )
  expect([need('env'), need('project'), need('org'), need('api'), need('token')]).toEqual([
    'from-variable',
    'file',
    'acme',
    'https://work.example',
    'hyd_svc_work',
  ])
  expect(find('env')?.from).toBe('HALYARD_ENV')
  expect(find('project')?.from).toMatch(/halyard\.json$/)
  expect(find('org')?.from).toBe('the login of profile default')
})

test('halyard.json is found from a folder below', () => {
  const below = join(withProject({ org: 'acme' }), 'a', 'b')
  mkdirSync(below, { recursive: true })
  expect(makeSettings({}, {}, below).need('org')).toBe('acme')
})

test.each([
  [{ token: 'x' }, 'holds a secret'],
  [{ key: 'x' }, 'holds a secret'],
  [{ org: 'hyd_svc_x' }, 'holds a secret'],
  [{ orgs: 'x' }, 'there is no "orgs"'],
  [{ org: 1 }, '"org" is not a text'],
  [[], 'is not a JSON object'],
])('halyard.json cannot be %j', (values, reason) => {
  const { need } = makeSettings({}, {}, withProject(values))
  expect(() => need('org')).toThrow(reason)
})

test('a stored token goes to the API that it was given for, and nowhere else', () => {
  const variables = loggedIn({ default: work, home })
  const needs = (api: string, folder = emptyFolder()) => makeSettings({ api }, variables, folder)
  expect(needs('https://work.example/').need('token')).toBe('hyd_svc_work')
  expect(needs('https://home.example').need('token')).toBe('hyd_svc_home')
  expect(() => needs('https://evil.example').need('token')).toThrow('--token is missing')
  expect(() => needs('http://work.example').need('token')).toThrow('--token is missing')
  expect(() => needs('https://evil.example').need('org')).toThrow('--org is missing')
  const named = makeSettings({ profile: 'work' }, variables, withProject({ api: 'https://evil.example' }))
  expect(() => named.need('token')).toThrow('there is no profile "work"')
  const usual = makeSettings({ profile: 'home' }, variables, withProject({ api: 'https://evil.example' }))
  expect(() => usual.need('token')).toThrow('--token is missing')
})

test('the profile is the one that is named, else that of the API, else the default one', () => {
  const variables = loggedIn({ default: work, home })
  const tokenOf = (options: object, more: object = {}, folder = emptyFolder()) =>
    makeSettings(options, { ...variables, ...more }, folder).need('token')
  expect(tokenOf({})).toBe('hyd_svc_work')
  expect(tokenOf({ profile: 'home' })).toBe('hyd_svc_home')
  expect(tokenOf({}, { HALYARD_PROFILE: 'home' })).toBe('hyd_svc_home')
  expect(tokenOf({}, {}, withProject({ api: 'https://home.example' }))).toBe('hyd_svc_home')
})

test.each([
  ['token', 'api', 'HALYARD_TOKEN', 'HALYARD_API_URL'],
  ['key', 'edge', 'HALYARD_KEY', 'HALYARD_EDGE_URL'],
] as const)(
  'a %s from a variable is not sent where only halyard.json says',
  (secret, server, name, address) => {
    const folder = withProject({ [server]: 'https://evil.example' })
    const needs = (more: object, at = folder) => makeSettings({}, { [name]: 'mine', ...more }, at)
    expect(() => needs({}).need(secret)).toThrow(`${name} is not sent to an address that only ${folder}`)
    expect(needs({ [address]: 'https://evil.example' }).need(secret)).toBe('mine')
    const known = { default: { api: 'https://evil.example', edge: 'https://evil.example', token: 'x' } }
    expect(needs(loggedIn(known)).need(secret)).toBe('mine')
    expect(needs({}, withProject({ [server]: 'http://localhost:9' })).need(secret)).toBe('mine')
  },
)

test('the local stack gives nothing beside another API', () => {
  const { need } = makeSettings({}, loggedIn({ default: work }), stackFolder())
  expect(() => need('edge')).toThrow('--edge is missing')
  expect(() => need('key')).toThrow('--key is missing')
  expect(() => need('env')).toThrow('--env is missing')
})

test('a login file that is something else is told', () => {
  const variables = loggedIn({})
  writeFileSync(profilesPath(variables) ?? '', '{"profiles": {"default": {"api": 1}}}')
  expect(() => makeSettings({}, variables, emptyFolder()).need('api')).toThrow(
    'is not what `halyard login` writes',
  )
})
