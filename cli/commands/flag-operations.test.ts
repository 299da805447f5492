import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { useApi } from '../api.test-kit.ts'
import { emptyFolder } from '../test-kit.ts'

const { cli, json, told } = useApi()

const keysOf = ({ flags }: { flags: { key: string }[] }) => flags.map(({ key }) => key)

const inProduction = ['--env', 'production']

test('flags create, update, archive and restore go through the life of a flag', async () => {
  const created = await json(
    'flags',
    'create',
    'theme',
    '--type',
    'string',
    '--variant',
    'light=light',
    '--variant',
    'dark=dark',
  )
  expect(created).toMatchObject({ key: 'theme', valueType: 'string', versions: expect.any(Object) })
  const words = ['--name', 'Theme', '--tags', 'ui, q3', '--owner', 'team-ui', '--kind', 'permission']
  expect(await json('flags', 'update', 'theme', ...words)).toMatchObject({
    name: 'Theme',
    tags: ['ui', 'q3'],
    owner: 'team-ui',
    kind: 'permission',
  })
  const variants = ['--variant', 'blue=blue', '--variant', 'dark=black', '--remove-variant', 'light', '--yes']
  // light is the off variant of every environment, so it has to stay.
  expect((await cli(['flags', 'update', 'theme', ...variants])).code).toBe(1)
  const kept = await json(
    'flags',
    'update',
    'theme',
    '--variant',
    'blue=blue',
    '--variant',
    'dark=black',
    '--yes',
  )
  expect(kept.variants).toEqual([
    { key: 'light', value: 'light' },
    { key: 'dark', value: 'black' },
    { key: 'blue', value: 'blue' },
  ])
  const expiring = await json(
    'flags',
    'update',
    'theme',
    '--expires',
    '30d',
    '--on-expiry',
    'light',
    '--client-visible',
    '--yes',
  )
  expect(expiring).toMatchObject({ onExpiry: { variant: 'light' }, clientVisible: true })
  expect(Date.parse(expiring.expiresAt) - Date.now()).toBeGreaterThan(29 * 86_400_000)
  const ended = await json(
    'flags',
    'update',
    'theme',
    '--expires',
    'never',
    '--no-client-visible',
    '--tags',
    '',
    '--yes',
  )
  expect(ended).toMatchObject({ expiresAt: null, clientVisible: false, tags: [] })
  expect(await told('flags', 'archive', 'theme', '--yes')).toMatch(/^archived theme \(.*production 1\.\d+/)
  expect((await json('flags', 'list', '--archived')).flags).toMatchObject([{ key: 'theme' }])
  expect(await told('flags', 'restore', 'theme', '--yes')).toMatch(/^restored theme/)
})

test('flags list takes filters', async () => {
  await json('flags', 'create', 'tagged', '--tags', 'ops', '--kind', 'operational')
  expect(keysOf(await json('flags', 'list', '--tag', 'ops'))).toEqual(['tagged'])
  expect(keysOf(await json('flags', 'list', '--kind', 'operational'))).toEqual(['tagged'])
  expect(keysOf(await json('flags', 'list', '--text', 'ban'))).toEqual(['banner'])
  expect(await told('flags', 'list', '--tag', 'nothing')).toBe('no matching flags in development\n')
})

test('a change of words asks nobody, a change of what is served asks where an environment is protected', async () => {
  expect((await cli(['flags', 'update', 'banner', '--description', 'words'])).code).toBe(0)
  for (const change of [
    ['flags', 'update', 'banner', '--variant', 'new=x'],
    ['flags', 'update', 'banner', '--client-visible'],
    ['flags', 'update', 'banner', '--expires', '2d'],
    ['flags', 'archive', 'banner'],
    ['flags', 'restore', 'banner'],
  ]) {
    // One after another, as they would be typed.
    const { code, stdout, stderr } = await cli(change) // oxlint-disable-line no-await-in-loop
    expect({ change, code, stdout }).toEqual({ change, code: 3, stdout: '' })
    expect(stderr).toContain('also in production, needs --yes')
  }
  expect((await json('flags', 'get', 'banner')).archived).toBe(false)
})

test('flags update without a change is a usage error', async () => {
  const { code, stderr } = await cli(['flags', 'update', 'banner', '--comment', 'why'])
  expect(code).toBe(2)
  expect(stderr).toContain('there is nothing to change')
})

test.each([[['flags', 'rollout']], [['rollout']]])('%j serves a variant to a share', async (command) => {
  const args = [...command, 'checkout', '--variant', 'on', '--percent', '20']
  const { fallthrough } = await json(...args)
  expect(fallthrough.split.weights).toEqual(expect.arrayContaining([{ variant: 'on', weight: 20_000 }]))
  expect(await told(...args)).toMatch(
    /^checkout in development \(version 1\.\d+\)\n.*20 %.*\n {2}the flag is off: everybody gets off\n$/,
  )
})

test('flags rollout widens in steps', async () => {
  const wide = ['--percent', '5', '--widen-to', '100', '--over', '7d', '--steps', '4']
  const { fallthrough } = await json('flags', 'rollout', 'checkout', '--variant', 'on', ...wide)
  expect(fallthrough.ramp).toMatchObject({ from: 'off', to: 'on' })
  expect(fallthrough.ramp.steps.map(({ share }: { share: number }) => share)).toEqual([
    5_000, 28_750, 52_500, 76_250, 100_000,
  ])
})

test.each([[['flags', 'override']], [['override']]])(
  '%j gives contexts a variant, and takes it back',
  async (command) => {
    const given = await json(...command, 'checkout', '--variant', 'on', '--for', 'user-1', 'user-2')
    expect(given.overrides).toEqual([
      { attribute: 'targetingKey', values: ['user-1', 'user-2'], variant: 'on' },
    ])
    expect(await told(...command, 'checkout', '--clear', '--for', 'user-1', 'user-2')).toMatch(
      /^user-1, user-2 get what everybody gets\n {2}of checkout in development \(version/,
    )
    expect((await json('flags', 'get', 'checkout')).overrides).toEqual([])
  },
)

test('flags override goes by an attribute, until a time', async () => {
  const args = [
    'checkout',
    '--variant',
    'on',
    '--for',
    '17',
    'true',
    'x',
    '--attribute',
    'tenant',
    '--until',
    '2h',
  ]
  const { overrides } = await json('flags', 'override', ...args)
  expect(overrides).toMatchObject([{ attribute: 'tenant', values: [17, true, 'x'], variant: 'on' }])
  const inMs = Date.parse(overrides[0].until) - Date.now()
  expect(inMs).toBeGreaterThan(7_000_000)
  expect(inMs).toBeLessThanOrEqual(7_200_000)
})

test('flags rules shows the rules, or puts those of a file in their place', async () => {
  const folder = emptyFolder()
  const rules = [
    { name: 'beta', when: { attribute: 'plan', op: 'eq', value: 'pro' }, serve: { variant: 'on' } },
  ]
  writeFileSync(join(folder, 'rules.json'), JSON.stringify(rules))
  const { code, stdout } = await cli(['flags', 'rules', 'checkout', '--set', 'rules.json'], {}, folder)
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringContaining('1 beta: If plan is "pro": serves "on".'),
  })
  expect(await json('flags', 'rules', 'checkout')).toMatchObject(rules)
  const rolled = await told(
    'flags',
    'rollout',
    'checkout',
    '--variant',
    'on',
    '--percent',
    '10',
    '--rule',
    'beta',
  )
  expect(rolled).toContain('If plan is "pro"')
  writeFileSync(join(folder, 'rules.json'), '{}')
  expect((await cli(['flags', 'rules', 'checkout', '--set', 'rules.json'], {}, folder)).code).toBe(2)
})

test.each([
  [['flags', 'toggle', 'checkout', '--on']],
  [['flags', 'rollout', 'checkout', '--variant', 'on', '--percent', '5']],
  [['flags', 'override', 'checkout', '--variant', 'on', '--for', 'a']],
  [['flags', 'rules', 'checkout', '--set', 'rules.json']],
])('%j is refused in a protected environment, where nobody can be asked', async (command) => {
  const before = await json('flags', 'get', 'checkout', ...inProduction)
  const folder = emptyFolder()
  writeFileSync(join(folder, 'rules.json'), '[]')
  const { code, stdout, stderr } = await cli([...command, ...inProduction], {}, folder)
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  expect(stderr).toMatch(/^halyard: the environment is protected: .* in production needs --yes\n$/)
  expect(await json('flags', 'get', 'checkout', ...inProduction)).toEqual(before)
})

test('--yes writes in a protected environment, and warnings go to stderr', async () => {
  await cli(['freeze', 'production', '--comment', 'a test', '--yes'])
  const { code, stdout, stderr } = await cli([
    'flags',
    'toggle',
    'checkout',
    '--on',
    '--yes',
    '--json',
    ...inProduction,
  ])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ enabled: true, warnings: [{ code: 'publishing_frozen' }] })
  expect(stderr).toMatch(/^warning: /)
  await cli(['unfreeze', 'production', '--yes'])
})

test.each([
  [
    ['rollout', 'checkout', '--variant', 'on', '--percent', '101'],
    '--percent is a number from 0 to 100, not "101"',
  ],
  [['rollout', 'checkout', '--variant', 'on'], "required option '--percent <number>'"],
  [['override', 'checkout', '--for', 'a'], 'give --variant, or --clear'],
  [['override', 'checkout', '--for', 'a', '--clear', '--variant', 'on'], 'cannot be used with'],
  [['flags', 'togle', 'checkout'], 'Did you mean toggle?'],
])('%j is a usage error', async (args, reason) => {
  const { code, stdout, stderr } = await cli(args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(reason)
})
