/** Applying files to what was archived, and to projects with protected environments. */
import { expect, test } from 'vitest'
import { emptyFolder, startCli } from '../test-kit.ts'
import { useFiles, writeJson } from './files.test-kit.ts'

const { api, run, ok, makeProject } = useFiles()

const on = (when: object) => [{ when, serve: { variant: 'on' } }]

async function stateIn(project: string, environment: string, key: string) {
  return await api.kit.ok('GET', `/orgs/acme/projects/${project}/environments/${environment}/flags/${key}`)
}

test('a definition reaches a protected environment that --env does not name: it is asked for', async () => {
  const folder = emptyFolder()
  const path = await makeProject('guarded')
  const write = (flag: object) => writeJson(folder, 'f.json', { flags: { f: { enabled: false, ...flag } } })
  write({})
  await ok(['apply', 'f.json'], folder, 'guarded')
  const headers = { 'if-match': '*' }
  await api.kit.ok('PATCH', `${path}/environments/production`, { body: { protected: true }, headers })
  write({ clientVisible: true })
  const before = await api.kit.stored()
  const { code, stderr } = await run(['apply', 'f.json', '--env', 'development'], folder, 'guarded')
  expect(code).toBe(3)
  expect(stderr).toContain('also in production, needs --yes')
  expect(await api.kit.stored()).toEqual(before)
  await ok(['apply', 'f.json', '--env', 'development', '--yes'], folder, 'guarded')
  // A state is that of its own environment alone.
  write({ clientVisible: true, enabled: true })
  await ok(['apply', 'f.json', '--env', 'development'], folder, 'guarded')
})

test('a flag comes back as the file says in one write, switched off in other environments, and the plan says so', async () => {
  const folder = emptyFolder()
  const path = await makeProject('back')
  const flag = { enabled: true, variants: { a: 'a', b: 'b' }, variant: 'b' }
  writeJson(folder, 'old.json', { flags: { f: flag } })
  await ok(['apply', 'old.json'], folder, 'back')
  await api.kit.ok('DELETE', `${path}/flags/f`)
  writeJson(folder, 'new.json', { flags: { f: { ...flag, variants: { b: 'b', c: 'c' }, variant: 'c' } } })
  const plan = await ok(['plan', 'new.json', '--env', 'development'], folder, 'back')
  expect(plan).toContain('    in development:\n      comes back switched on\n')
  expect(plan).toContain(
    '    in production, staging:\n      comes back switched off: the plan is not for this environment\n',
  )
  const refused = await run(['apply', 'new.json', '--env', 'development'], folder, 'back')
  // The others have it with a variant that the file takes away.
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('/environments/production/offVariant: there is no variant "a"'),
  })
  const kept = { ...flag, variants: { a: 'a', b: 'b', c: 'c' }, variant: 'c' }
  writeJson(folder, 'kept.json', { flags: { f: kept } })
  const writes: string[] = []
  api.onRequest(({ method, url = '' }) => {
    if (method !== 'GET') writes.push(url.slice(url.lastIndexOf('/')))
    return true
  })
  await ok(['apply', 'kept.json', '--env', 'development'], folder, 'back')
  api.onRequest(() => true)
  expect(writes).toEqual(['/restore'])
  const fallthrough = { variant: 'c' }
  expect(await stateIn('back', 'development', 'f')).toMatchObject({ enabled: true, fallthrough })
  for (const environment of ['staging', 'production'])
    // oxlint-disable-next-line no-await-in-loop -- one small server
    expect(await stateIn('back', environment, 'f')).toMatchObject({ enabled: false })
  expect(await ok(['plan', 'kept.json', '--env', 'development'], folder, 'back')).toBe('nothing to do\n')
})

test('what --prune archived can be applied again, whatever refers to what', async () => {
  const folder = emptyFolder()
  const path = await makeProject('again')
  const hero = { split: { weights: [{ variant: 'on', weight: 100_000 }], layer: { key: 'l', slot: 's' } } }
  const file = {
    flags: {
      a: { enabled: true, prerequisites: [{ flag: 'z', variants: ['on'] }] },
      b: { enabled: true, rules: on({ segment: 'inner' }) },
      h: { enabled: true, fallthrough: { split: { ...hero.split, outside: 'off' } } },
      z: { enabled: true },
    },
    segments: { inner: { when: { segment: 'outer' } }, outer: { when: { flag: 'z', variants: ['on'] } } },
    layers: { l: { slots: [{ name: 's', from: 0, to: 10 }] } },
  }
  const apply = async (content: {
    readonly flags: object
    readonly segments?: object
    readonly layers?: object
  }) => {
    writeJson(folder, 'f.json', content)
    await ok(['apply', 'f.json', '--prune'], folder, 'again')
    if (Object.keys(content.flags).length === 0) return
    expect(await ok(['plan', 'f.json', '--prune'], folder, 'again')).toBe('nothing to do\n')
  }
  await apply(file)
  await apply({ flags: {} })
  await apply(file)
  expect(await api.kit.ok('GET', `${path}/segments/outer`)).toMatchObject({ archived: false })
  await apply({ flags: {} })
  // With a new flag, a new segment and a new slot among what comes back.
  await apply({
    ...file,
    flags: {
      ...file.flags,
      a: { enabled: true, prerequisites: [{ flag: 'new', variants: ['on'] }] },
      b: { enabled: true, rules: on({ segment: 'fresh' }) },
      new: { enabled: true, prerequisites: [{ flag: 'z', variants: ['on'] }] },
    },
    segments: { ...file.segments, fresh: { when: { flag: 'z', variants: ['off'] } } },
    layers: { l: { slots: [{ name: 's', from: 0, to: 20 }] } },
  })
})

test('Ctrl-C ends an apply after the running step, and says what was done and what was not', async () => {
  const folder = emptyFolder()
  await makeProject('cut')
  const keys = [...'abcdefghijklmnop']
  const write = (enabled: boolean) =>
    writeJson(folder, 'f.json', { flags: Object.fromEntries(keys.map((key) => [key, { enabled }])) })
  write(false)
  await ok(['apply', 'f.json'], folder, 'cut')
  write(true)
  const env = {
    HALYARD_API_URL: api.url,
    HALYARD_TOKEN: api.kit.token,
    HALYARD_ORG: 'acme',
    HALYARD_PROJECT: 'cut',
  }
  const running = startCli(['apply', 'f.json', '--env', 'development'], env, folder)
  api.onRequest(({ method, url = '' }) => {
    if (method === 'PATCH' && url.endsWith('/flags/a')) running.kill('SIGINT')
    return true
  })
  const { code, stderr } = await running.ended
  api.onRequest(() => true)
  expect(code).toBe(130)
  expect(stderr).toContain('stopping after the step that runs')
  expect(stderr).toContain('halyard: interrupted\n  done: change flag a in development\n')
  expect(stderr).toContain('  not done: change flag p in development\n')
  expect(await stateIn('cut', 'development', 'a')).toMatchObject({ enabled: true })
})
