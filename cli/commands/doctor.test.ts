import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { useApi } from '../api.test-kit.ts'
import { writeProfiles } from '../profiles.ts'
import { emptyFolder, runCli } from '../test-kit.ts'

const { cli } = useApi()

const configOf = (home: string) => join(home, 'halyard', 'config.json')

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

const loose = {
  flags: { a: { enabled: true, rules: [{ when: { segment: 'nobody' }, serve: { variant: 'on' } }] } },
}

test.each(['flags.json', 'flags.yaml', 'flags.yml'])(
  'doctor says of %s what serve says of it',
  async (name) => {
    const folder = emptyFolder()
    writeFileSync(join(folder, name), JSON.stringify(loose))
    const { stderr } = await runCli(['serve', name, '--port', '0'], {}, folder)
    const [, fault = ''] = stderr.split('\n  ')
    expect(fault).toContain('nobody')
    const { checks } = await examine({}, folder)
    expect(checks).toContainEqual(
      expect.objectContaining({
        check: 'flag file',
        outcome: 'fail',
        what: expect.stringContaining(fault.trim()),
      }),
    )
  },
)
