/** Environments beside each other, over the real API. */
import { expect, test } from 'vitest'
import { emptyFolder } from '../test-kit.ts'
import { useFiles } from './files.test-kit.ts'

const { api, run, ok, makeProject } = useFiles()

/** A project whose flag `f` uses a segment in staging, and is off elsewhere; `g` is the same everywhere. */
async function makePair(key: string): Promise<string> {
  const path = await makeProject(key)
  const include = { staging: { include: ['u1'] } }
  await api.kit.ok('POST', `${path}/segments`, { body: { key: 'beta', environments: include } })
  const rules = [{ when: { segment: 'beta' }, sample: { share: 50_000 }, serve: { variant: 'on' } }]
  const states = { staging: { enabled: true, rules }, production: { offVariant: 'on' } }
  const flags = [
    { key: 'f', environments: states },
    { key: 'g' },
    { key: 'h', environments: { staging: { enabled: true } } },
  ]
  await api.kit.ok('POST', `${path}/flags/import`, { body: { flags } })
  return path
}

test('a diff says in words what is other in the second environment', async () => {
  await makePair('diff')
  const folder = emptyFolder()
  expect(await ok(['envs', 'diff', 'production', 'staging'], folder, 'diff')).toBe(
    [
      'what is other in staging than in production:',
      '~ flag f',
      '    switched on',
      '    off variant: "off" (was: "on")',
      '    rule 1 added: If the context is in segment "beta", in a sample of 50 % by targetingKey: serves "on".',
      '~ flag h',
      '    switched on',
      '~ segment beta',
      '    include added: "u1"',
      '',
    ].join('\n'),
  )
  const json = await ok(['envs', 'diff', 'production', 'staging', '--flag', 'h', '--json'], folder, 'diff')
  expect(JSON.parse(json)).toEqual({
    from: 'production',
    to: 'staging',
    differences: [{ kind: 'flag', key: 'h', lines: ['switched on'] }],
  })
  expect(await ok(['envs', 'diff', 'staging', 'staging'], folder, 'diff')).toContain('are the same')
  expect(await run(['envs', 'diff', 'staging', 'prod'], folder, 'diff')).toMatchObject({ code: 2 })
  expect(await run(['envs', 'diff', 'staging', 'production', '--flag', 'no'], folder, 'diff')).toMatchObject({
    code: 2,
  })
})

test('promoting gives the second environment the states of the first, with ids and seeds, and no other flag', async () => {
  const path = await makePair('promote')
  const folder = emptyFolder()
  const state = async (environment: string, key: string) => {
    const {
      environment: _,
      updatedAt: _at,
      ...rest
    } = await api.kit.ok('GET', `${path}/environments/${environment}/flags/${key}`)
    return rest
  }
  const told = await ok(
    ['envs', 'promote', 'staging', 'production', '--flag', 'f', '--comment', 'go'],
    folder,
    'promote',
  )
  expect(told).toContain('rule 1 added: If the context is in segment "beta"')
  expect(told).toContain('note: segments hold others in production: beta (--segments promotes them too)')
  expect(told).toMatch(/^production is at version 1\.\d+$/m)
  expect(await state('production', 'f')).toEqual(await state('staging', 'f'))
  expect(await state('production', 'h')).toMatchObject({ enabled: false })
  expect((await api.kit.ok('GET', '/orgs/acme/audit?limit=1')).items[0]).toMatchObject({ comment: 'go' })
  await ok(['envs', 'promote', 'staging', 'production', '--segments'], folder, 'promote')
  expect(await ok(['envs', 'diff', 'staging', 'production'], folder, 'promote')).toContain('are the same')
  expect(await ok(['envs', 'promote', 'staging', 'production'], folder, 'promote')).toBe('nothing to do\n')
})

test('a protected environment is promoted to only with a yes, and nothing is written without', async () => {
  const path = await makePair('guarded')
  const folder = emptyFolder()
  await api.kit.ok('PATCH', `${path}/environments/production`, {
    body: { protected: true },
    headers: { 'if-match': '*' },
  })
  const before = await api.kit.stored()
  const { code, stderr } = await run(['envs', 'promote', 'staging', 'production'], folder, 'guarded')
  expect(code).toBe(3)
  expect(stderr).toContain('needs --yes')
  expect(await api.kit.stored()).toEqual(before)
  await ok(['envs', 'promote', 'production', 'staging', '--flag', 'h'], folder, 'guarded')
  await ok(['envs', 'promote', 'staging', 'production', '--yes'], folder, 'guarded')
})
