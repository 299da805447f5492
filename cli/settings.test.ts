import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
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
      lines: ['give --token <token> or set HALYARD_TOKEN'],
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
