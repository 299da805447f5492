/** Applying files that people wrote. */
import { expect, test } from 'vitest'
import { emptyFolder } from '../test-kit.ts'
import { useFiles, writeJson } from './files.test-kit.ts'

const { api, run, ok, makeProject } = useFiles()

const rule = (country: string) => ({
  when: { attribute: 'country', op: 'eq', value: country },
  sample: { share: 20_000 },
  serve: { variant: 'on' },
})

async function rulesNow() {
  const path = '/orgs/acme/projects/hand/environments/production/flags/f'
  return (await api.kit.ok('GET', path)).rules
}

test('a file by hand needs no seeds and no ids: applied twice it is there once, and rules keep who they are', async () => {
  const folder = emptyFolder()
  await makeProject('hand')
  const write = (rules: object[]) =>
    writeJson(folder, 'f.json', { flags: { f: { enabled: true, variant: 'off', rules } } })
  write([rule('CA'), rule('FR')])
  await ok(['apply', 'f.json'], folder, 'hand')
  expect(await ok(['plan', 'f.json'], folder, 'hand')).toBe('nothing to do\n')
  const [canada, france] = await rulesNow()
  write([rule('DE'), rule('CA'), rule('FR')])
  expect(await ok(['plan', 'f.json'], folder, 'hand')).toContain(
    'rule 1 added: If country is "DE", in a sample of 20 %',
  )
  await ok(['apply', 'f.json'], folder, 'hand')
  const [germany, ...others] = await rulesNow()
  expect(others).toEqual([canada, france])
  expect(germany.sample.seed).not.toBe(canada.sample.seed)
  expect(await ok(['plan', 'f.json'], folder, 'hand')).toBe('nothing to do\n')
})

test('new things that need each other are made in an order that works, and variants go last', async () => {
  const folder = emptyFolder()
  await makeProject('knot')
  const first = {
    flags: {
      base: { enabled: true, variants: { a: 'a', b: 'b' }, variant: 'a' },
      z: { enabled: true, prerequisites: [{ flag: 'base', variants: ['b'] }] },
      a: { enabled: true, rules: [{ when: { segment: 'inner' }, serve: { variant: 'on' } }] },
      swap: { enabled: true, prerequisites: [{ flag: 'a', variants: ['on'] }] },
    },
    segments: { inner: { when: { segment: 'outer' } }, outer: { when: { flag: 'base', variants: ['a'] } } },
    layers: { l: { slots: [{ name: 's', from: 0, to: 10 }] } },
  }
  const apply = async (file: object) => {
    writeJson(folder, 'f.json', file)
    await ok(['apply', 'f.json', '--prune'], folder, 'knot')
    expect(await ok(['plan', 'f.json', '--prune'], folder, 'knot')).toBe('nothing to do\n')
  }
  await apply(first)
  // The variant that is named goes, its users change to a new one, and two flags change sides.
  await apply({
    ...first,
    flags: {
      base: { enabled: true, variants: { a: 'a', c: 'c' }, variant: 'c' },
      z: { enabled: true, prerequisites: [{ flag: 'base', variants: ['c'] }] },
      a: { enabled: true, prerequisites: [{ flag: 'swap', variants: ['on'] }] },
      swap: { enabled: true },
    },
    layers: { l: { slots: [{ name: 't', from: 5, to: 10 }] } },
  })
  await apply({ flags: { z: { enabled: true } } })
})

test.each<[string, object, string]>([
  [
    'no variant',
    { f: { enabled: true, variant: 'purple' } },
    '/flags/f/variant: there is no variant "purple"',
  ],
  [
    'no environment',
    { f: { enabled: true, environments: { prod: {} } } },
    '/flags/f/environments/prod: there is no such environment',
  ],
  ['another type', { banner: { enabled: true } }, '/flags/banner: the flag is of type string'],
  ['another case', { Banner: { enabled: true } }, 'keys differ not only by case'],
  [
    'no segment',
    { f: { enabled: true, rules: [{ when: { segment: 'no' }, serve: { variant: 'on' } }] } },
    'there is no segment "no"',
  ],
])('a file with %s is refused whole, before anything is written', async (_, flags, reason) => {
  const folder = emptyFolder()
  writeJson(folder, 'f.json', { flags: { fine: { enabled: true }, ...flags } })
  const before = await api.kit.stored()
  const { code, stderr } = await run(['apply', 'f.json', '--yes'], folder)
  expect(code).toBe(2)
  expect(stderr).toContain(reason)
  expect(await api.kit.stored()).toEqual(before)
})

test("somebody else's change between the plan and a write stops it, and says what was done and what was not", async () => {
  const folder = emptyFolder()
  const race = await makeProject('race')
  const write = (enabled: boolean) => {
    writeJson(folder, 'f.json', { flags: { a: { enabled }, b: { enabled }, c: { enabled }, d: { enabled } } })
  }
  write(false)
  await ok(['apply', 'f.json'], folder, 'race')
  write(true)
  const held = { toggled: Promise.resolve() as Promise<unknown>, isDone: false }
  api.onRequest(({ method, url = '' }) => {
    if (method === 'PATCH' && url.endsWith('/flags/a') && !held.isDone) {
      held.isDone = true
      held.toggled = api.kit.ok('POST', `${race}/environments/development/flags/c/toggle`, {
        body: { comment: 'mine' },
      })
    }
    return true
  })
  const { code, stderr } = await run(['apply', 'f.json', '--env', 'development'], folder, 'race')
  api.onRequest(() => true)
  await held.toggled
  expect(code).toBe(1)
  expect(stderr).toContain('somebody changed it in between: could not change flag c in development')
  expect(stderr).toContain('  done: change flag a in development\n  done: change flag b in development\n')
  expect(stderr).toContain(
    '  not done: change flag c in development\n  not done: change flag d in development\n',
  )
  expect(await ok(['apply', 'f.json', '--env', 'development'], folder, 'race')).toContain('~ change flag d')
  expect(await ok(['plan', 'f.json', '--env', 'development'], folder, 'race')).toBe('nothing to do\n')
})
