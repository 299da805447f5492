/** A project as a file, and a file as a project, over the real API. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { evaluate } from '@halyard/shared/engine/evaluate.ts'
import { compileFlagFile, loadBody } from '@halyard/shared/flag-file/compile-flag-file.ts'
import { readFlagFile } from '@halyard/shared/flag-file/parse-flag-file.ts'
import { resolve } from '@halyard/shared/flag-file/resolve.ts'
import { emptyFolder } from '../test-kit.ts'
import { shop, useFiles } from './files.test-kit.ts'

const { api, run, ok, makeProject } = useFiles()

const split = (on: number) => ({
  split: {
    weights: [
      { variant: 'on', weight: on },
      { variant: 'off', weight: 100_000 - on },
    ],
  },
})
const inCanada = { attribute: 'country', op: 'eq', value: 'CA' }

/** A project with something of everything that a file can hold, and differences between its environments. */
async function makeRich(): Promise<void> {
  const { kit } = api
  const layer = { key: 'home', by: 'account', slots: [{ name: 'hero', from: 0, to: 40_000 }] }
  await kit.ok('POST', `${shop}/layers`, { body: layer })
  await kit.ok('POST', `${shop}/segments`, {
    body: {
      key: 'beta',
      description: 'who asked',
      environments: { staging: { include: ['u1'] }, production: { when: inCanada } },
    },
  })
  const states = {
    development: { enabled: true, fallthrough: split(25_000) },
    production: {
      enabled: true,
      rules: [
        { name: 'testers', when: { segment: 'beta' }, sample: { share: 50_000 }, serve: { variant: 'on' } },
        { when: { flag: 'checkout', variants: ['on'] }, serve: split(10_000) },
      ],
      overrides: [{ values: ['u9'], variant: 'off' }],
      prerequisites: [{ flag: 'checkout', variants: ['on'] }],
    },
  }
  const hero = {
    split: { ...split(50_000).split, by: 'account', layer: { key: 'home', slot: 'hero' }, outside: 'off' },
  }
  await kit.ok('POST', `${shop}/flags/import`, {
    body: {
      flags: [
        {
          key: 'rich',
          description: 'many\nlines',
          tags: ['a', 'b'],
          clientVisible: true,
          environments: states,
        },
        { key: 'hero', environments: { production: { enabled: true, fallthrough: hero } } },
        {
          key: 'limits',
          valueType: 'json',
          variants: [
            { key: '9', value: { max: 9 } },
            { key: '1', value: { max: 1, deep: [1] } },
          ],
          expiresAt: '2027-01-01T00:00:00Z',
          onExpiry: { variant: '1' },
        },
        { key: 'odd', valueType: 'json', variants: [{ key: 'a', value: 'x' }] },
        { key: 'gone' },
      ],
    },
  })
  await kit.ok('DELETE', `${shop}/flags/gone`)
}

const made = { isRich: false }

/** The exported project, once. */
async function exported(): Promise<{ folder: string; text: string }> {
  if (!made.isRich) await makeRich()
  made.isRich = true
  const folder = emptyFolder()
  await ok(['export', 'flags.yaml'], folder)
  return { folder, text: readFileSync(join(folder, 'flags.yaml'), 'utf8') }
}

test('an exported file says once what is alike everywhere, is a file of flags, and is the same every time', async () => {
  const { folder, text } = await exported()
  expect(readFlagFile(text, 'yaml')).toHaveProperty('locate')
  expect(text).toContain('enabled: false')
  expect(text).not.toContain('gone')
  expect(text.match(/many/g)).toHaveLength(1)
  expect(text).toMatch(/^ {4}environments:\n {6}development:\n {8}enabled: true$/m)
  await ok(['export', 'flags.json'], folder)
  const json = JSON.parse(readFileSync(join(folder, 'flags.json'), 'utf8'))
  expect(json.flags.limits).toMatchObject({
    variants: { '1': { max: 1, deep: [1] } },
    onExpiry: { variant: '1' },
  })
  expect(json.flags.odd.valueType).toBe('json')
  expect(json.flags.checkout).toEqual({ clientVisible: true, seed: expect.any(String), enabled: false })
  await ok(['export', 'again.yaml'], folder)
  expect(readFileSync(join(folder, 'again.yaml'), 'utf8')).toBe(text)
})

test('a file that cannot be written is told as that, and what is there stays whole', async () => {
  const { folder } = await exported()
  const { code, stderr } = await run(['export', 'flags.yaml/inner.yaml'], folder)
  expect(code).toBe(2)
  expect(stderr).toMatch(/^halyard: flags.yaml\/inner.yaml cannot be written\n {2}[^\n]+\n$/)
  expect(readdirSync(folder)).toEqual(['flags.yaml'])
})

test('what was just exported is nothing to do', async () => {
  const { folder } = await exported()
  expect(await ok(['plan', 'flags.yaml', '--detailed-exitcode', '--prune'], folder)).toBe('nothing to do\n')
  const before = await api.kit.stored()
  expect(await ok(['apply', 'flags.yaml', '--prune'], folder)).toBe('nothing to do\n')
  expect(await api.kit.stored()).toEqual(before)
})

test('applied to an empty project it makes the same project, seeds and ids of rules included', async () => {
  const { folder, text } = await exported()
  await makeProject('copy')
  const told = await ok(['apply', 'flags.yaml', '--comment', 'a copy'], folder, 'copy')
  expect(told).toContain('+ create flag rich')
  expect(told).toMatch(/^production is at version 1\.\d+$/m)
  await ok(['export', 'copy.yaml'], folder, 'copy')
  expect(readFileSync(join(folder, 'copy.yaml'), 'utf8')).toBe(text)
  expect(await ok(['plan', 'flags.yaml', '--prune'], folder, 'copy')).toBe('nothing to do\n')
  const { items } = await api.kit.ok('GET', '/orgs/acme/audit?limit=1')
  expect(items[0].comment).toBe('a copy')
})

test('a plan shows what was edited by hand and nothing else, in words, and its exit code says so if asked', async () => {
  const { folder, text } = await exported()
  writeFileSync(
    join(folder, 'edited.yaml'),
    text.replace('value: CA', 'value: FR').replace('who asked', 'who begged'),
  )
  const { code, stdout } = await run(['plan', 'edited.yaml', '--detailed-exitcode'], folder)
  expect(code).toBe(4)
  expect(stdout).toBe(
    [
      '~ change segment beta',
      '    description: "who begged" (was: "who asked")',
      '    in production:',
      '      condition: country is "FR" (was: country is "CA")',
      '1 to change; do it with `halyard apply`',
      '',
    ].join('\n'),
  )
  const json = JSON.parse(await ok(['plan', 'edited.yaml', '--json'], folder))
  expect(json.changes).toMatchObject([{ kind: 'segment', key: 'beta', action: 'update' }])
  const elsewhere = JSON.parse(await ok(['plan', 'edited.yaml', '--json', '--env', 'staging'], folder))
  expect(elsewhere.changes[0].parts).toMatchObject([{ environments: [] }])
})

test('what is there and not in the file is shown and left, archived with --prune, and restored by the file', async () => {
  const { folder } = await exported()
  await api.kit.ok('POST', `${shop}/flags`, { body: { key: 'extra' } })
  const left = await ok(['plan', 'flags.yaml'], folder)
  expect(left).toBe('there, not in the file, and left alone: flag extra\nnothing to do\n')
  const { code, stderr } = await run(['apply', 'flags.yaml', '--prune'], folder)
  expect(code).toBe(3)
  expect(stderr).toContain('also in production, needs --yes')
  expect((await api.kit.ok('GET', `${shop}/flags/extra`)).archived).toBe(false)
  expect(await ok(['apply', 'flags.yaml', '--prune', '--yes'], folder)).toContain('- archive flag extra')
  expect((await api.kit.ok('GET', `${shop}/flags/extra`)).archived).toBe(true)
  const file = { flags: { extra: { enabled: true, description: 'back' } } }
  writeFileSync(join(folder, 'back.json'), JSON.stringify(file))
  expect(await ok(['apply', 'back.json', '--yes'], folder)).toContain('+ restore flag extra')
  expect(await ok(['plan', 'back.json'], folder)).toContain('nothing to do')
  expect(await api.kit.ok('GET', `${shop}/flags/extra`)).toMatchObject({
    archived: false,
    description: 'back',
  })
  await api.kit.ok('DELETE', `${shop}/flags/extra`)
})

test('a seed that the server has otherwise is kept and told', async () => {
  const { folder, text } = await exported()
  writeFileSync(
    join(folder, 'other.yaml'),
    text.replace(/seed: [0-9a-f]{16}\n/, 'seed: "0123456789abcdef"\n'),
  )
  const plan = await ok(['plan', 'other.yaml'], folder)
  expect(plan).toMatch(/^note: flag banner keeps its seed [0-9a-f]{16}, not the file's/m)
  expect(plan).toContain('nothing to do')
})

test('local mode gives with an exported file what the server gives, to everybody and in every environment', async () => {
  const { text } = await exported()
  const parsed = readFlagFile(text, 'yaml')
  if (parsed.file === null) throw new Error('an exported file can be read')
  const users = Array.from({ length: 30 }, (_, i) => ({
    targetingKey: `u${i}`,
    account: `a${i}`,
    country: i % 2 === 0 ? 'CA' : 'FR',
  }))
  const seen = new Set<string>()
  for (const environment of ['development', 'staging', 'production']) {
    const snapshot = loadBody(compileFlagFile(resolve(parsed.file, environment)))
    for (const context of users) {
      // One request after another: this is one small server.
      // oxlint-disable-next-line no-await-in-loop
      const answer = await api.kit.ok('POST', `${shop}/environments/${environment}/evaluate`, {
        body: { context },
      })
      const here = answer.flags.map(({ key }: { key: string }) =>
        evaluate(snapshot, key, context, api.kit.clock.nowMs),
      )
      expect({ environment, context, flags: here }).toMatchObject({
        environment,
        context,
        flags: answer.flags,
      })
      for (const { key, variant } of answer.flags) seen.add(`${key} ${environment} ${variant}`)
    }
  }
  expect([...seen]).toEqual(expect.arrayContaining(['rich development on', 'rich development off']))
  expect([...seen]).toEqual(expect.arrayContaining(['hero production on', 'hero production off']))
})

test('an uploaded list is named by its hash and size, told, and neither exported nor applied', async () => {
  const folder = emptyFolder()
  const path = await makeProject('lists')
  await api.kit.ok('POST', `${path}/segments`, { body: { key: 'many' } })
  const headers = { 'content-type': 'application/x-ndjson' }
  const members = `${path}/environments/production/segments/many/members`
  await api.kit.ok('PUT', members, { body: '"u1"\n"u2"', headers })
  const { code, stderr } = await run(['export', 'flags.json'], folder, 'lists')
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: 'segment many in production: its uploaded list of 2 ids is named by its hash, not exported\n',
  })
  const { segments } = JSON.parse(readFileSync(join(folder, 'flags.json'), 'utf8'))
  const named = { hash: expect.stringMatching(/^[0-9a-f]{64}$/), count: 2 }
  expect(segments.many).toEqual({ environments: { production: { members: named } } })
  expect(await ok(['plan', 'flags.json'], folder, 'lists')).toBe('nothing to do\n')
  await api.kit.ok('PUT', members, { body: '"u3"', headers })
  expect(await ok(['plan', 'flags.json'], folder, 'lists')).toBe(
    'note: segment many in production: the file names an uploaded list of 2 ids, there is another list, of 1; lists are uploaded, not applied\nnothing to do\n',
  )
})
